//! Processes and containers as one runtime, by what each instance is.

use std::net::SocketAddr;

use async_trait::async_trait;
use landfall_model::env::EnvValues;
use landfall_model::spec::StopSpec;
use landfall_model::{AppName, CommandSpec, EnvironmentName, InstanceId};
use tokio::sync::mpsc;

use crate::docker::DockerRuntime;
use crate::process::ProcessRuntime;
use crate::{InstanceSpec, InstanceStatus, LogLine, LogQuery, RunSpec, Runtime, RuntimeError};

/// Processes of this host, and containers where there is an engine. Ids are unique over both. No
/// engine is asked anything before the first container is started, and what processes do never
/// depends on one.
#[derive(Debug)]
pub struct Runtimes {
    process: ProcessRuntime,
    docker: Option<DockerRuntime>,
}

impl Runtimes {
    /// Both as one; touches nothing yet.
    pub fn new(process: ProcessRuntime, docker: Option<DockerRuntime>) -> Self {
        Self { process, docker }
    }

    /// Processes.
    pub fn process(&self) -> &ProcessRuntime {
        &self.process
    }

    /// Containers, where there may be any.
    pub fn docker(&self) -> Option<&DockerRuntime> {
        self.docker.as_ref()
    }

    /// What keeps an instance. One that nobody knows is left to processes, which know no engine.
    fn of(&self, id: &InstanceId) -> &dyn Runtime {
        match self.docker.as_ref().filter(|docker| docker.keeps(id)) {
            Some(docker) => docker,
            None => &self.process,
        }
    }
}

#[async_trait]
impl Runtime for Runtimes {
    async fn start(&self, spec: &InstanceSpec, env: &EnvValues) -> Result<(), RuntimeError> {
        match (&spec.run, &self.docker) {
            (RunSpec::Process { .. }, _) => self.process.start(spec, env).await,
            (RunSpec::Container(_), Some(docker)) => docker.start(spec, env).await,
            (RunSpec::Container(_), None) => Err(RuntimeError::NoEngine {
                id: spec.id.clone(),
            }),
        }
    }

    async fn stop(&self, id: &InstanceId, stop: &StopSpec) -> Result<(), RuntimeError> {
        self.of(id).stop(id, stop).await
    }

    async fn status(&self, id: &InstanceId) -> Result<InstanceStatus, RuntimeError> {
        self.of(id).status(id).await
    }

    /// Processes, and containers as the engine tells. While it does not answer, its containers are
    /// told as [`crate::InstanceState::Lost`] with a note that says why.
    async fn list(&self) -> Result<Vec<InstanceStatus>, RuntimeError> {
        let mut all = self.process.list().await?;
        let Some(docker) = &self.docker else {
            return Ok(all);
        };
        match docker.list().await {
            Ok(containers) => all.extend(containers),
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "containers are told from their records"
                );
                all.extend(docker.recorded());
            }
        }
        Ok(all)
    }

    async fn changed(&self, id: &InstanceId, seen: u64) -> Result<InstanceStatus, RuntimeError> {
        self.of(id).changed(id, seen).await
    }

    async fn address(&self, id: &InstanceId) -> Result<Option<SocketAddr>, RuntimeError> {
        self.of(id).address(id).await
    }

    async fn listening(&self, id: &InstanceId) -> Result<Vec<SocketAddr>, RuntimeError> {
        self.of(id).listening(id).await
    }

    async fn exec(
        &self,
        id: &InstanceId,
        command: &CommandSpec,
        env: &EnvValues,
    ) -> Result<(i32, String), RuntimeError> {
        self.of(id).exec(id, command, env).await
    }

    async fn logs(&self, id: &InstanceId, query: &LogQuery) -> Result<Vec<LogLine>, RuntimeError> {
        self.of(id).logs(id, query).await
    }

    async fn follow_logs(
        &self,
        id: &InstanceId,
        query: &LogQuery,
        lines: mpsc::Sender<LogLine>,
    ) -> Result<(), RuntimeError> {
        self.of(id).follow_logs(id, query, lines).await
    }

    async fn remove(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        self.of(id).remove(id).await
    }

    async fn remove_shared(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
    ) -> Result<(), RuntimeError> {
        match &self.docker {
            Some(docker) => docker.remove_shared(app, environment).await,
            None => Ok(()),
        }
    }
}
