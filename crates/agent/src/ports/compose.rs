//! What Docker Compose runs on this machine.

use std::sync::Arc;

use async_trait::async_trait;
use landfall_model::Cause;
use landfall_model::CauseKind;
use landfall_model::compose::{ComposeContainer, RestartPolicy};
use landfall_model::container::NetworkRef;
use landfall_model::spec::StopSpec;
use landfall_runtime::docker::DockerRuntime;
use landfall_runtime::{Owner, RuntimeError, Runtimes};

use crate::world::chain;

/// Looks at Compose projects, and stops and starts containers of theirs. Every method is
/// idempotent, and none removes anything.
#[async_trait]
pub trait ComposeProjects: Send + Sync {
    /// The projects that have a container which runs.
    async fn running(&self) -> Result<Vec<String>, Cause>;

    /// The containers of a project, running or not.
    async fn containers(&self, project: &str) -> Result<Vec<ComposeContainer>, Cause>;

    /// Whether there is a volume of this name.
    async fn has_volume(&self, name: &str) -> Result<bool, Cause>;

    /// Stops a container until a person, or [`ComposeProjects::start`], starts it again.
    async fn stop(&self, container: &str, stop: &StopSpec) -> Result<(), Cause>;

    /// Starts a container that was stopped, with the policy that it had.
    async fn start(&self, container: &str, policy: &RestartPolicy) -> Result<(), Cause>;

    /// Puts a container on a network, by name or id. A network of `owner` is made where it is
    /// missing; without one, or without the container, nothing happens.
    async fn join(&self, container: &str, network: &NetworkRef, owner: &Owner)
    -> Result<(), Cause>;

    /// Takes a container from a network.
    async fn leave(&self, container: &str, network: &str) -> Result<(), Cause>;
}

/// The projects of the engine that keeps containers.
pub struct EngineProjects(Arc<Runtimes>);

impl EngineProjects {
    /// Projects of the engine of `runtimes`.
    pub fn new(runtimes: Arc<Runtimes>) -> Self {
        Self(runtimes)
    }

    fn docker(&self) -> Result<&DockerRuntime, Cause> {
        self.0.docker().ok_or_else(super::images::no_engine)
    }
}

fn cause(error: RuntimeError) -> Cause {
    Cause::new(CauseKind::Refused, chain(&error))
}

#[async_trait]
impl ComposeProjects for EngineProjects {
    async fn running(&self) -> Result<Vec<String>, Cause> {
        let names = self.docker()?.compose_projects().await.map_err(cause)?;
        Ok(names.into_iter().collect())
    }

    async fn containers(&self, project: &str) -> Result<Vec<ComposeContainer>, Cause> {
        let found = self.docker()?.compose_containers(project).await;
        found.map_err(cause)
    }

    async fn has_volume(&self, name: &str) -> Result<bool, Cause> {
        self.docker()?.has_volume(name).await.map_err(cause)
    }

    async fn stop(&self, container: &str, stop: &StopSpec) -> Result<(), Cause> {
        let stopped = self.docker()?.stop_foreign(container, stop).await;
        stopped.map_err(cause)
    }

    async fn start(&self, container: &str, policy: &RestartPolicy) -> Result<(), Cause> {
        let started = self.docker()?.start_foreign(container, policy).await;
        started.map_err(cause)
    }

    async fn join(
        &self,
        container: &str,
        network: &NetworkRef,
        owner: &Owner,
    ) -> Result<(), Cause> {
        let docker = self.docker()?;
        let joined = docker.join_network(container, network, Some(owner)).await;
        joined.map(drop).map_err(cause)
    }

    async fn leave(&self, container: &str, network: &str) -> Result<(), Cause> {
        let left = self.docker()?.leave_network(container, network).await;
        left.map_err(cause)
    }
}
