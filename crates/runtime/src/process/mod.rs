//! Instances as processes of this host, each kept by a shim of its own.
//!
//! Holds no state but where the instances are: everything is asked of the shims, the kernel and
//! the records on disk, so an agent that was restarted, or a second one, sees the same.

mod client;
mod exec;
pub mod identity;
mod launch;
pub(crate) mod listening;
mod logs;
mod observe;
mod shims;
mod stop;
mod sweep;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use async_trait::async_trait;
use landfall_model::env::EnvValues;
use landfall_model::spec::StopSpec;
use landfall_model::{CommandSpec, InstanceId};
use tokio::sync::mpsc;

use crate::changing::Changing;
use crate::confine::Confinement;
use crate::record::InstanceDir;
use crate::{InstanceSpec, InstanceStatus, LogLine, LogQuery, Runtime, RuntimeError};

/// What a [`ProcessRuntime`] needs to know.
#[derive(Debug, Clone)]
pub struct ProcessRuntimeOptions {
    /// Where the directories of instances are. Made when the first instance is started.
    pub instances_dir: PathBuf,
    /// The program that is a shim, absolute, and the arguments before the shim's own:
    /// `["/usr/bin/landfall", "shim"]`.
    pub shim: Vec<String>,
}

/// Instances as processes of this host.
#[derive(Debug)]
pub struct ProcessRuntime {
    instances_dir: PathBuf,
    shim: Vec<String>,
    /// Against other agents the shim's own lock helps.
    changing: Changing,
}

impl ProcessRuntime {
    /// A runtime on these directories; touches nothing yet.
    pub fn new(options: ProcessRuntimeOptions) -> Self {
        let ProcessRuntimeOptions {
            instances_dir,
            shim,
        } = options;
        Self {
            // Shims do not share the agent's working directory.
            instances_dir: std::path::absolute(&instances_dir).unwrap_or(instances_dir),
            shim,
            changing: Changing::default(),
        }
    }

    /// Where an instance's files are.
    pub fn dir(&self, id: &InstanceId) -> PathBuf {
        self.instances_dir.join(id.as_str())
    }

    fn instance(&self, id: &InstanceId) -> InstanceDir {
        InstanceDir(self.dir(id))
    }
}

#[async_trait]
impl Runtime for ProcessRuntime {
    async fn start(&self, spec: &InstanceSpec, env: &EnvValues) -> Result<(), RuntimeError> {
        let _change = self.changing.begin(&spec.id).await;
        launch::start(&self.instance(&spec.id), &self.shim, spec, env).await
    }

    async fn stop(&self, id: &InstanceId, stop: &StopSpec) -> Result<(), RuntimeError> {
        let _change = self.changing.begin(id).await;
        stop::stop(&self.instance(id), id, stop).await
    }

    async fn status(&self, id: &InstanceId) -> Result<InstanceStatus, RuntimeError> {
        observe::status(&self.instance(id), id).await
    }

    async fn list(&self) -> Result<Vec<InstanceStatus>, RuntimeError> {
        observe::list(&self.instances_dir).await
    }

    async fn changed(&self, id: &InstanceId, seen: u64) -> Result<InstanceStatus, RuntimeError> {
        observe::changed(&self.instance(id), id, seen).await
    }

    async fn address(&self, id: &InstanceId) -> Result<Option<SocketAddr>, RuntimeError> {
        let spec = observe::status(&self.instance(id), id).await?.spec;
        Ok(spec.port.map(|port| (Ipv4Addr::LOCALHOST, port).into()))
    }

    async fn listening(&self, id: &InstanceId) -> Result<Vec<SocketAddr>, RuntimeError> {
        let dir = self.instance(id);
        let status = observe::status(&dir, id).await?;
        Ok(listening::addresses(&dir, &status).await)
    }

    async fn exec(
        &self,
        id: &InstanceId,
        command: &CommandSpec,
        env: &EnvValues,
    ) -> Result<(i32, String), RuntimeError> {
        let spec = observe::status(&self.instance(id), id).await?.spec;
        let (_, dir) = spec.run.process().ok_or_else(|| no_process(id))?;
        let temporary = self.instance(id).temporary();
        let user = spec.run.user();
        let confinement = user.map(|user| Confinement::prepare(user, &temporary));
        let confinement = confinement.transpose();
        let confinement = confinement.map_err(io_error("give to the app's user", temporary))?;
        exec::run(dir, confinement, command, env).await
    }

    async fn logs(&self, id: &InstanceId, query: &LogQuery) -> Result<Vec<LogLine>, RuntimeError> {
        logs::read(&self.instance(id), id, query).await
    }

    async fn follow_logs(
        &self,
        id: &InstanceId,
        query: &LogQuery,
        lines: mpsc::Sender<LogLine>,
    ) -> Result<(), RuntimeError> {
        logs::follow(&self.instance(id), id, query, lines).await
    }

    async fn remove(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        let _change = self.changing.begin(id).await;
        stop::remove(&self.instance(id), id).await
    }
}

/// An IO error with what was tried.
fn io_error(
    operation: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(std::io::Error) -> RuntimeError {
    let path = path.into();
    move |source| RuntimeError::Io {
        operation,
        path,
        source,
    }
}

/// What is said of an instance that is kept here and is no process.
fn no_process(id: &InstanceId) -> RuntimeError {
    shim_error(id, "keeps something that is no process")
}

/// A word on what a shim did.
fn shim_error(id: &InstanceId, message: impl Into<String>) -> RuntimeError {
    RuntimeError::Shim {
        id: id.clone(),
        message: message.into(),
    }
}
