//! The description of the API, generated from its handlers and types.

use utoipa::OpenApi;

use super::{agent, auth, compose, deployments, environments, logs, stream, tasks, trees};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Landfall agent",
        description = "The control plane of one host, on its unix socket `run/agent.sock`.",
        license(name = "Apache-2.0 OR MIT")
    ),
    paths(
        agent::info,
        agent::stop,
        auth::limit,
        deployments::plan,
        deployments::submit,
        deployments::one,
        deployments::cancel,
        deployments::report,
        stream::events,
        compose::all,
        compose::one,
        environments::all,
        environments::one,
        environments::releases,
        environments::history,
        environments::clear_cache,
        environments::remove,
        logs::logs,
        tasks::run,
        trees::offer,
        trees::content,
        trees::finish,
    )
)]
struct Description;

/// The description.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
