//! Plans and deployments.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use landfall_model::DeploymentId;

use super::Api;
use super::error::Failed;
use super::types::{
    ApiError, CancelRequest, DeployAccepted, DeployRequest, DeploymentView, PlanRequest,
    PlanResponse,
};
use super::views::deployment_view;
use crate::report;

/// What a deployment would do now.
///
/// # Errors
/// When the request contradicts what is.
#[utoipa::path(
    post, path = "/v1/plan", request_body = PlanRequest,
    responses((status = 200, body = PlanResponse), (status = 409, body = ApiError))
)]
pub async fn plan(
    State(api): State<Api>,
    Json(request): Json<PlanRequest>,
) -> Result<Json<PlanResponse>, Failed> {
    Ok(Json(api.deployments.plan(&request).await?))
}

/// Starts or queues a deployment.
///
/// # Errors
/// When the request contradicts what is, or another plan is due than the one expected.
#[utoipa::path(
    post, path = "/v1/deployments", request_body = DeployRequest,
    responses((status = 202, body = DeployAccepted), (status = 409, body = ApiError))
)]
pub async fn submit(
    State(api): State<Api>,
    Json(request): Json<DeployRequest>,
) -> Result<(StatusCode, Json<DeployAccepted>), Failed> {
    let accepted = api.deployments.submit(request).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

/// A deployment with its steps.
///
/// # Errors
/// When there is none with this id.
#[utoipa::path(
    get, path = "/v1/deployments/{id}", params(("id" = u64, Path)),
    responses((status = 200, body = DeploymentView), (status = 404, body = ApiError))
)]
pub async fn one(
    State(api): State<Api>,
    Path(id): Path<u64>,
) -> Result<Json<DeploymentView>, Failed> {
    let row = api.world.store.deployment(DeploymentId(id))?;
    Ok(Json(deployment_view(&api.world.store, row)?))
}

/// Asks for the end of a deployment.
///
/// # Errors
/// When it has ended, or its end cannot be changed any more.
#[utoipa::path(
    post, path = "/v1/deployments/{id}/cancel", params(("id" = u64, Path)),
    request_body = CancelRequest,
    responses((status = 202), (status = 404, body = ApiError), (status = 409, body = ApiError))
)]
pub async fn cancel(
    State(api): State<Api>,
    Path(id): Path<u64>,
    Json(request): Json<CancelRequest>,
) -> Result<StatusCode, Failed> {
    api.world.store.deployment(DeploymentId(id))?;
    api.deployments.cancel(DeploymentId(id), &request)?;
    Ok(StatusCode::ACCEPTED)
}

/// A deployment as a Markdown report.
///
/// # Errors
/// When there is none with this id.
#[utoipa::path(
    get, path = "/v1/deployments/{id}/report", params(("id" = u64, Path)),
    responses((status = 200, body = String), (status = 404, body = ApiError))
)]
pub async fn report(
    State(api): State<Api>,
    Path(id): Path<u64>,
) -> Result<impl IntoResponse, Failed> {
    let row = api.world.store.deployment(DeploymentId(id))?;
    let events = report::all_events(&api.world.store, row.id)?;
    let text = report::markdown(&deployment_view(&api.world.store, row)?, &events);
    Ok((
        [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")],
        text,
    ))
}
