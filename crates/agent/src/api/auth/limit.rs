//! Limiting a connection: it is upgraded to one over which the same API answers, with a [`Scope`].

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::{Extension, Router};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use landfall_model::{AppName, EnvironmentName};
use landfall_store::EnvironmentKey;
use serde::Deserialize;

use super::Scope;
use crate::api::error::Failed;
use crate::api::types::ApiError;
use crate::api::{Api, router};

/// The name of what a connection is upgraded to.
pub const PROTOCOL: &str = "landfall-limited";

/// Query of [`limit`].
#[derive(Deserialize)]
pub struct LimitQuery {
    app: AppName,
    environment: EnvironmentName,
}

/// Limits this connection to one environment, for good. It is answered with 101, and what follows
/// on the connection is this API again, in HTTP/1 or HTTP/2 as the other side begins, where all
/// that is not about the environment is refused. The environment need not exist yet.
///
/// # Errors
/// When the request does not ask for the upgrade.
#[utoipa::path(
    post, path = "/v1/limit",
    params(("app" = String, Query), ("environment" = String, Query)),
    responses((status = 101), (status = 400, body = ApiError))
)]
pub async fn limit(
    State(api): State<Api>,
    Query(query): Query<LimitQuery>,
    mut request: Request,
) -> Result<Response, Failed> {
    let asked = request.headers().get(header::UPGRADE);
    let is_asked = asked.is_some_and(|name| name == PROTOCOL);
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let Some(upgrade) = upgrade.filter(|_| is_asked) else {
        let message = format!("ask for it with `Upgrade: {PROTOCOL}`, over HTTP/1.1");
        return Err(Failed::invalid(message));
    };
    let key = EnvironmentKey {
        app: query.app,
        environment: query.environment,
    };
    tokio::spawn(serve(upgrade, router(api).layer(Extension(Scope { key }))));
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static(PROTOCOL));
    Ok(answer)
}

async fn serve(upgrade: OnUpgrade, limited: Router) {
    let stream = match upgrade.await {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!(%error, "failed to limit a connection"),
    };
    let builder = auto::Builder::new(TokioExecutor::new());
    let served = builder.serve_connection(stream, TowerToHyperService::new(limited));
    if let Err(error) = served.await {
        tracing::debug!(%error, "a limited connection broke");
    }
}
