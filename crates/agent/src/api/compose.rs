//! What Docker Compose runs on this host.

use axum::Json;
use axum::extract::{Path, State};

use super::Api;
use super::error::Failed;
use super::types::{ApiError, ComposeProjectView, ComposeProjectsView};

/// The Compose projects that run here.
///
/// # Errors
/// When the engine does not answer.
#[utoipa::path(
    get, path = "/v1/compose",
    responses((status = 200, body = ComposeProjectsView), (status = 409, body = ApiError))
)]
pub async fn all(State(api): State<Api>) -> Result<Json<ComposeProjectsView>, Failed> {
    let projects = api.world.compose.running().await?;
    Ok(Json(ComposeProjectsView { projects }))
}

/// The containers of a Compose project; none where there is no such project.
///
/// # Errors
/// When the engine does not answer.
#[utoipa::path(
    get, path = "/v1/compose/{project}", params(("project" = String, Path)),
    responses((status = 200, body = ComposeProjectView), (status = 409, body = ApiError))
)]
pub async fn one(
    State(api): State<Api>,
    Path(project): Path<String>,
) -> Result<Json<ComposeProjectView>, Failed> {
    let containers = api.world.compose.containers(&project).await?;
    Ok(Json(ComposeProjectView {
        project,
        containers,
    }))
}
