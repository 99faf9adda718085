//! Instances as containers of a Docker Engine, one for each.
//!
//! What is, the engine knows: it is asked each time, so an agent that was restarted sees the same.
//! Of its own this keeps a record of what each instance should be ([`records`]), what was heard of
//! past events ([`history`]) and numbers by which changes are told apart ([`board`]). Only what
//! carries the label of this Landfall's home is ever touched, but for containers of a Compose project
//! whose place a deployment takes ([`compose`]).
//!
//! Restarts are the engine's own, so that services come back with it whether or not an agent runs:
//! of an instance's [`landfall_model::spec::RestartSpec`] only what makes a crash loop counts here.

mod board;
mod body;
mod builds;
mod compose;
mod engine;
mod exec;
mod exits;
mod follow;
mod history;
mod images;
mod inspected;
mod labels;
mod launch;
mod listening;
mod log_entries;
mod logs;
mod mounts;
mod observe;
mod records;
mod shared;
mod stop;
mod watcher;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bollard::Docker;
use landfall_model::env::EnvValues;
use landfall_model::spec::StopSpec;
use landfall_model::{AppName, CommandSpec, EnvironmentName, InstanceId};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::changing::Changing;
use crate::{InstanceSpec, InstanceStatus, LogLine, LogQuery, Runtime, RuntimeError};
use board::Board;
use engine::Engine;
use history::History;
use records::Records;
use watcher::Watcher;

/// Where the engine listens when nothing else is said.
pub const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// What a [`DockerRuntime`] needs to know.
#[derive(Debug, Clone)]
pub struct DockerRuntimeOptions {
    /// The engine's socket, from [`socket_of`] or [`DEFAULT_SOCKET`].
    pub socket: PathBuf,
    /// The id of this Landfall's state: two of them on one engine never touch each other's.
    pub home: String,
    /// Where what instances should be is recorded. Made when the first one is started.
    pub records_dir: PathBuf,
}

pub use builds::{BUILD_HOST, StepLimits, limit_builds};
pub use compose::container_name;
pub use images::RegistryUser;

/// The socket that a value of `DOCKER_HOST` names; `None` where it is none on this host.
pub fn socket_of(docker_host: &str) -> Option<PathBuf> {
    let path = docker_host.strip_prefix("unix://")?;
    path.starts_with('/').then(|| PathBuf::from(path))
}

/// Instances as containers.
#[derive(Debug)]
pub struct DockerRuntime {
    home: String,
    engine: Arc<Engine>,
    records: Records,
    history: Arc<History>,
    board: Board,
    bell: watch::Sender<u64>,
    changing: Changing,
    making_network: tokio::sync::Mutex<()>,
    watcher: OnceLock<AbortHandle>,
}

impl DockerRuntime {
    /// A runtime on this engine; asks nothing of it yet.
    pub fn new(options: DockerRuntimeOptions) -> Self {
        Self {
            home: options.home,
            engine: Arc::new(Engine::new(options.socket)),
            records: Records(options.records_dir),
            history: Arc::default(),
            board: Board::default(),
            bell: watch::Sender::new(0),
            changing: Changing::default(),
            making_network: tokio::sync::Mutex::default(),
            watcher: OnceLock::new(),
        }
    }

    /// The socket of the engine.
    pub fn socket(&self) -> PathBuf {
        self.engine.socket().to_owned()
    }

    /// The id by which what is ours is known.
    pub fn home(&self) -> &str {
        &self.home
    }

    /// Whether this instance is a container of this runtime, be it gone or out of reach.
    pub fn keeps(&self, id: &InstanceId) -> bool {
        self.records.has(id)
    }

    /// The engine; from the first time on its events are listened to.
    async fn docker(&self) -> Result<&Docker, RuntimeError> {
        self.watcher.get_or_init(|| {
            let watcher = Watcher {
                engine: Arc::clone(&self.engine),
                history: Arc::clone(&self.history),
                bell: self.bell.clone(),
                home: self.home.clone(),
            };
            tokio::spawn(watcher.run()).abort_handle()
        });
        self.engine.docker().await
    }
}

impl Drop for DockerRuntime {
    fn drop(&mut self) {
        if let Some(watcher) = self.watcher.get() {
            watcher.abort();
        }
    }
}

#[async_trait]
impl Runtime for DockerRuntime {
    async fn start(&self, spec: &InstanceSpec, env: &EnvValues) -> Result<(), RuntimeError> {
        let _change = self.changing.begin(&spec.id).await;
        self.launch(spec, env).await
    }

    async fn stop(&self, id: &InstanceId, stop: &StopSpec) -> Result<(), RuntimeError> {
        let _change = self.changing.begin(id).await;
        self.halt(id, stop).await
    }

    async fn status(&self, id: &InstanceId) -> Result<InstanceStatus, RuntimeError> {
        self.observe(id).await
    }

    async fn list(&self) -> Result<Vec<InstanceStatus>, RuntimeError> {
        self.observe_all().await
    }

    async fn changed(&self, id: &InstanceId, seen: u64) -> Result<InstanceStatus, RuntimeError> {
        self.wait_for_change(id, seen).await
    }

    async fn address(&self, id: &InstanceId) -> Result<Option<SocketAddr>, RuntimeError> {
        self.find_address(id).await
    }

    async fn listening(&self, id: &InstanceId) -> Result<Vec<SocketAddr>, RuntimeError> {
        self.listens_on(id).await
    }

    async fn exec(
        &self,
        id: &InstanceId,
        command: &CommandSpec,
        env: &EnvValues,
    ) -> Result<(i32, String), RuntimeError> {
        self.run_beside(id, command, env).await
    }

    async fn logs(&self, id: &InstanceId, query: &LogQuery) -> Result<Vec<LogLine>, RuntimeError> {
        self.read_logs(id, query).await
    }

    async fn follow_logs(
        &self,
        id: &InstanceId,
        query: &LogQuery,
        lines: mpsc::Sender<LogLine>,
    ) -> Result<(), RuntimeError> {
        self.follow(id, query, lines).await
    }

    async fn remove(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        let _change = self.changing.begin(id).await;
        self.clear(id).await
    }

    async fn remove_shared(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
    ) -> Result<(), RuntimeError> {
        self.remove_networks_of(app, environment).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_of_this_host_is_taken_from_docker_host() {
        let rootless = socket_of("unix:///run/user/1000/docker.sock");
        assert_eq!(rootless, Some("/run/user/1000/docker.sock".into()));
        for elsewhere in [
            "tcp://10.0.0.1:2375",
            "ssh://host",
            "unix://docker.sock",
            "",
        ] {
            assert_eq!(socket_of(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn what_the_engine_is_told_cannot_be_logged() {
        // The client would log whole requests and answers, with the environment of every container.
        assert!(log::STATIC_MAX_LEVEL <= log::LevelFilter::Info);
    }
}
