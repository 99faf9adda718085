//! The agent's API on its unix socket: HTTP and JSON, for those whom [`auth`] lets in, and for what
//! it lets them.

pub mod agent;
mod auth;
pub mod compose;
pub mod deployments;
pub mod environments;
mod error;
pub mod logs;
mod openapi;
pub mod stream;
pub mod tasks;
pub mod trees;
pub mod types;
mod views;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use jiff::Timestamp;
use landfall_content::ContentStore;
use tokio_util::sync::CancellationToken;

use crate::deployments::Deployments;
use crate::reconcile::ProxyKeeper;
use crate::world::World;

pub use auth::{PROTOCOL, PeerListener, Peers, Scope};
pub use error::Failed;
pub use openapi::openapi;
pub use views::release_view;

/// The most bytes of a body, trees excepted. A spec with its environment is far below this.
const BODY_LIMIT: usize = 16 << 20;

/// What the handlers share.
#[derive(Clone)]
pub struct Api {
    /// The parts of the control plane.
    pub world: World,
    /// Deployments.
    pub deployments: Deployments,
    /// The proxy's keeper, for stopping everything; `None` where it is not kept from here.
    pub proxy: Option<ProxyKeeper>,
    /// Cancelled when the agent is to stop.
    pub stop: CancellationToken,
    /// Cancelled when nothing is to be started again.
    pub reconciling: CancellationToken,
    /// Where trees are.
    pub content: ContentStore,
    /// Trees that have come and wait for their deployment.
    pub arrived: trees::Arrived,
    /// Where its state is.
    pub state_dir: Arc<PathBuf>,
    /// Since when the agent runs.
    pub since: Timestamp,
}

/// All routes, and before them what limited connections may ask.
pub fn router(api: Api) -> Router {
    let environment = Router::new()
        .route("/", get(environments::one))
        .route("/releases", get(environments::releases))
        .route("/history", get(environments::history))
        .route("/logs", get(logs::logs))
        .route("/tasks/{task}", post(tasks::run))
        .route("/cache/clear", post(environments::clear_cache))
        .route("/remove", post(environments::remove));
    // Their size is bounded by the index that was offered, and by the disk.
    let trees = Router::new()
        .route("/offer", post(trees::offer))
        .route("/content", post(trees::content))
        .route("/finish", post(trees::finish))
        .layer(DefaultBodyLimit::disable());
    let v1 = Router::new()
        .route("/agent", get(agent::info))
        .route("/limit", post(auth::limit))
        .route("/agent/stop", post(agent::stop))
        .route("/plan", post(deployments::plan))
        .route("/deployments", post(deployments::submit))
        .route("/deployments/{id}", get(deployments::one))
        .route("/deployments/{id}/cancel", post(deployments::cancel))
        .route("/deployments/{id}/events", get(stream::events))
        .route("/deployments/{id}/report", get(deployments::report))
        .route("/compose", get(compose::all))
        .route("/compose/{project}", get(compose::one))
        .route("/environments", get(environments::all))
        .nest("/environments/{app}/{environment}", environment)
        .nest("/trees/{digest}", trees)
        .route("/openapi.json", get(|| async { axum::Json(openapi()) }));
    Router::new()
        .nest("/v1", v1)
        .fallback(error::no_such_path)
        .layer(from_fn_with_state(api.clone(), auth::enforce))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(api)
}
