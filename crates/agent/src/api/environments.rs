//! Environments: as served, their releases, their history.

use axum::Json;
use axum::extract::{Path, Query, State};
use landfall_model::{AppName, Cause, CauseKind, EnvironmentName};
use landfall_store::{EnvironmentKey, EnvironmentRow, OperationRow};
use serde::Deserialize;

use super::Api;
use super::error::Failed;
use super::types::{
    ApiError, CacheClearRequest, CacheCleared, EnvironmentView, HistoryView, OperationView,
    ReleaseView, RemoveRequest, Removed,
};
use super::views::{deployment_view, release_view};
use crate::observe;
use crate::removal;
use crate::steps::prepare::io_cause;
use crate::writable;

/// Entries of history that are shown when nobody says how many.
const HISTORY: u32 = 20;

/// All environments of this host, as served.
///
/// # Errors
/// When the state cannot be read.
#[utoipa::path(
    get, path = "/v1/environments", responses((status = 200, body = Vec<EnvironmentView>))
)]
pub async fn all(State(api): State<Api>) -> Result<Json<Vec<EnvironmentView>>, Failed> {
    let mut views = Vec::new();
    for row in api.world.store.environments()? {
        views.push(observe::environment(&api.world, &row).await?);
    }
    Ok(Json(views))
}

/// An environment, as served.
///
/// # Errors
/// When nothing was ever deployed to it.
#[utoipa::path(
    get, path = "/v1/environments/{app}/{environment}",
    params(("app" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = EnvironmentView), (status = 404, body = ApiError))
)]
pub async fn one(
    State(api): State<Api>,
    Path((app, environment)): Path<(AppName, EnvironmentName)>,
) -> Result<Json<EnvironmentView>, Failed> {
    let row = find(&api, EnvironmentKey { app, environment })?;
    Ok(Json(observe::environment(&api.world, &row).await?))
}

/// Releases, newest first.
///
/// # Errors
/// When nothing was ever deployed to the environment.
#[utoipa::path(
    get, path = "/v1/environments/{app}/{environment}/releases",
    params(("app" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = Vec<ReleaseView>), (status = 404, body = ApiError))
)]
pub async fn releases(
    State(api): State<Api>,
    Path((app, environment)): Path<(AppName, EnvironmentName)>,
) -> Result<Json<Vec<ReleaseView>>, Failed> {
    let row = find(&api, EnvironmentKey { app, environment })?;
    let releases = api.world.store.releases(&row.key)?.into_iter();
    Ok(Json(
        releases
            .map(|release| release_view(release, row.live))
            .collect(),
    ))
}

/// Query of [`history`].
#[derive(Deserialize)]
pub struct HistoryQuery {
    limit: Option<u32>,
}

/// Deployments and everything else that was done by hand, newest first.
///
/// # Errors
/// When nothing was ever deployed to the environment.
#[utoipa::path(
    get, path = "/v1/environments/{app}/{environment}/history",
    params(
        ("app" = String, Path), ("environment" = String, Path),
        ("limit" = Option<u32>, Query, description = "how many of each, 20 by default")
    ),
    responses((status = 200, body = HistoryView), (status = 404, body = ApiError))
)]
pub async fn history(
    State(api): State<Api>,
    Path((app, environment)): Path<(AppName, EnvironmentName)>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<HistoryView>, Failed> {
    let key = find(&api, EnvironmentKey { app, environment })?.key;
    let (store, limit) = (&api.world.store, query.limit.unwrap_or(HISTORY));
    let mut deployments = Vec::new();
    for row in store.deployments(&key, limit)? {
        let mut view = deployment_view(store, row)?;
        view.plan = None;
        deployments.push(view);
    }
    let operations = store
        .operations(&key, limit)?
        .into_iter()
        .map(operation_view)
        .collect();
    Ok(Json(HistoryView {
        deployments,
        operations,
    }))
}

fn operation_view(row: OperationRow) -> OperationView {
    OperationView {
        at: row.at,
        by: row.by,
        what: row.what,
        ok: row.ok,
        result: row.result,
    }
}

/// Empties a persistent path of a service.
///
/// # Errors
/// When the service or the path does not exist, or a file cannot be removed.
#[utoipa::path(
    post, path = "/v1/environments/{app}/{environment}/cache/clear",
    params(("app" = String, Path), ("environment" = String, Path)),
    request_body = CacheClearRequest,
    responses(
        (status = 200, body = CacheCleared),
        (status = 404, body = ApiError), (status = 409, body = ApiError)
    )
)]
pub async fn clear_cache(
    State(api): State<Api>,
    Path((app, environment)): Path<(AppName, EnvironmentName)>,
    Json(request): Json<CacheClearRequest>,
) -> Result<Json<CacheCleared>, Failed> {
    let row = find(&api, EnvironmentKey { app, environment })?;
    let declared = declared_paths(&api, &row, &request)?;
    if !declared.contains(&request.path) {
        let known = if declared.is_empty() {
            "it has none".into()
        } else {
            declared.join(", ")
        };
        let message = format!(
            "{} has no writable path {:?}; paths: {known}",
            request.service, request.path
        );
        return Err(Failed::not_found(message));
    }
    let (app, environment) = (&row.key.app, &row.key.environment);
    let persistent = api
        .world
        .paths
        .persistent(app, environment, &request.service);
    let at = persistent.join(&request.path);
    let path = request.path.clone();
    let cleared = tokio::task::spawn_blocking(move || writable::clear(&persistent, &path));
    let cleared = cleared.await.map_err(crate::executor::internal)?;
    let (files, bytes) = cleared.map_err(|error| io_cause("clear", &at, &error))?;
    let operation = OperationRow {
        at: api.world.now(),
        by: request.by,
        what: format!("cleared {} of {}", request.path, request.service),
        ok: true,
        result: format!("{files} files, {bytes} bytes"),
    };
    api.world.store.insert_operation(&row.key, &operation)?;
    Ok(Json(CacheCleared { files, bytes }))
}

/// Removes an environment in which nothing runs: routes, releases, files. Its history stays.
///
/// # Errors
/// When something still runs or is deployed, or something cannot be removed.
#[utoipa::path(
    post, path = "/v1/environments/{app}/{environment}/remove",
    params(("app" = String, Path), ("environment" = String, Path)),
    request_body = RemoveRequest,
    responses(
        (status = 200, body = Removed),
        (status = 404, body = ApiError), (status = 409, body = ApiError)
    )
)]
pub async fn remove(
    State(api): State<Api>,
    Path((app, environment)): Path<(AppName, EnvironmentName)>,
    Json(request): Json<RemoveRequest>,
) -> Result<Json<Removed>, Failed> {
    let key = find(&api, EnvironmentKey { app, environment })?.key;
    let removed = removal::remove(&api.world, &api.deployments, &key, &request.by).await?;
    Ok(Json(removed))
}

fn declared_paths(
    api: &Api,
    row: &EnvironmentRow,
    request: &CacheClearRequest,
) -> Result<Vec<String>, Failed> {
    let live = row
        .live
        .map(|number| api.world.store.release(&row.key, number))
        .transpose()?;
    let Some(live) = live.flatten() else {
        let message = format!("nothing is deployed to {} yet", row.key);
        return Err(Cause::new(CauseKind::Refused, message).into());
    };
    let service = live.release.spec.services.get(&request.service);
    let missing = || Failed::not_found(format!("{} has no service {}", row.key, request.service));
    let service = service.ok_or_else(missing)?;
    Ok(service
        .process()
        .map(|process| process.writable.clone())
        .unwrap_or_default())
}

fn find(api: &Api, key: EnvironmentKey) -> Result<EnvironmentRow, Failed> {
    let row = api.world.store.environment(&key)?;
    row.ok_or_else(|| Failed::not_found(format!("nothing was ever deployed to {key}")))
}
