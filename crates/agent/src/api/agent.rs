//! The agent itself.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use landfall_model::{Cause, CauseKind};
use landfall_runtime::InstanceState;
use serde::Deserialize;

use super::error::Failed;
use super::types::{API_VERSION, AgentInfo, ApiError};
use super::{Api, Scope};
use crate::executor::internal_cause;
use crate::reconcile::{proxy_instance, system_stop};

/// What the agent is and does.
#[utoipa::path(get, path = "/v1/agent", responses((status = 200, body = AgentInfo)))]
pub async fn info(State(api): State<Api>, scope: Option<Extension<Scope>>) -> Json<AgentInfo> {
    let mut proxy = api.world.proxy.status().await;
    if let (Ok(status), Some(_)) = (&mut proxy, scope) {
        // They are named for the environments of others.
        status.in_flight.clear();
        status.ejected.clear();
    }
    let mut problems = Vec::new();
    if let Err(error) = &proxy {
        problems.push(error.to_string());
    }
    Json(AgentInfo {
        version: env!("CARGO_PKG_VERSION").into(),
        api: API_VERSION,
        pid: std::process::id(),
        since: api.since,
        state_dir: api.state_dir.as_ref().clone(),
        http: vec![api.world.http],
        proxy: proxy.ok(),
        problems,
    })
}

/// Query of [`stop`].
#[derive(Deserialize)]
pub struct StopQuery {
    #[serde(default)]
    everything: bool,
}

/// Stops the agent; with `everything=true`, all apps and the proxy before it.
///
/// # Errors
/// When everything is to stop and a deployment is under way.
#[utoipa::path(
    post,
    path = "/v1/agent/stop",
    params(("everything" = Option<bool>, Query, description = "stop all apps and the proxy too")),
    responses((status = 202), (status = 409, body = ApiError))
)]
pub async fn stop(
    State(api): State<Api>,
    Query(query): Query<StopQuery>,
) -> Result<StatusCode, Failed> {
    if query.everything {
        if api.deployments.close() {
            api.deployments.reopen();
            let message = "a deployment is under way; cancel it or wait for its end";
            return Err(Cause::new(CauseKind::Refused, message).into());
        }
        api.reconciling.cancel();
        stop_everything(&api).await?;
    }
    api.stop.cancel();
    Ok(StatusCode::ACCEPTED)
}

/// Apps first, so that the proxy can still answer for those that go.
async fn stop_everything(api: &Api) -> Result<(), Failed> {
    let all = api.world.runtime.list().await.map_err(internal_cause)?;
    let stops = all
        .iter()
        .filter(|status| !matches!(status.state, InstanceState::Exited))
        .map(|status| api.world.runtime.stop(&status.spec.id, &status.spec.stop));
    for stopped in futures_util::future::join_all(stops).await {
        stopped.map_err(internal_cause)?;
    }
    let Some(proxy) = &api.proxy else {
        return Ok(());
    };
    let stopped = proxy.runtime.stop(&proxy_instance()?, &system_stop()).await;
    Ok(stopped.map_err(internal_cause)?)
}
