//! Running instances.
//!
//! [`Runtime`] is what the agent knows of processes and containers: start, stop, look, listen.
//! Its process implementation keeps one shim per instance, so that an instance outlives the agent;
//! its other one keeps containers of a Docker Engine. [`Runtimes`] is both as one.
//! Nothing here knows of deployments, routes or SQL.

mod both;
mod cgroup;
mod changing;
pub mod confine;
pub mod docker;
mod error;
mod files;
mod instance;
mod lock;
mod log_files;
mod log_joiner;
mod log_line;
mod proc;
pub mod process;
mod protocol;
mod record;
pub mod shim;
mod signal;

use std::net::SocketAddr;

use async_trait::async_trait;
use landfall_model::env::EnvValues;
use landfall_model::spec::StopSpec;
use landfall_model::{AppName, CommandSpec, EnvironmentName, InstanceId};
use tokio::sync::mpsc;

pub use both::Runtimes;
pub use error::RuntimeError;
pub use instance::{
    Exit, ExitReason, Health, INSTANCE_FORMAT, InstanceSpec, InstanceState, InstanceStatus,
    LogSpec, Owner, ProcessUser, RunSpec,
};
pub use log_line::{LogLine, LogQuery, Stream};

/// Starts, stops and observes instances. Every method is idempotent.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// Starts an instance and returns once it is supervised. Starting one that is supervised
    /// already changes nothing; starting one that is [`InstanceState::Lost`] or
    /// [`InstanceState::Exited`] runs it again under the same id.
    async fn start(&self, spec: &InstanceSpec, env: &EnvValues) -> Result<(), RuntimeError>;

    /// Stops an instance: signal, grace, kill of the whole group. Returns when it is gone, and at
    /// once when it was gone or never existed.
    async fn stop(&self, id: &InstanceId, stop: &StopSpec) -> Result<(), RuntimeError>;

    /// What an instance is.
    async fn status(&self, id: &InstanceId) -> Result<InstanceStatus, RuntimeError>;

    /// All instances that have a record, gone ones included.
    async fn list(&self) -> Result<Vec<InstanceStatus>, RuntimeError>;

    /// Waits until an instance's `seq` is above `seen`, and returns its status. Never returns for
    /// an instance that does not change; drop the future to stop waiting.
    async fn changed(&self, id: &InstanceId, seen: u64) -> Result<InstanceStatus, RuntimeError>;

    /// Where the instance's port is reached now; `None` while there is none. A container may have
    /// another address after each of its starts: a change of it is a change of the status, of
    /// which [`Runtime::changed`] tells.
    async fn address(&self, id: &InstanceId) -> Result<Option<SocketAddr>, RuntimeError>;

    /// Addresses on which the instance's processes listen, as the kernel tells.
    async fn listening(&self, id: &InstanceId) -> Result<Vec<SocketAddr>, RuntimeError>;

    /// Runs a command in the directory and environment of an instance; its exit code and the last
    /// 4 KiB of its output. The caller bounds the time by dropping the future, which kills it.
    async fn exec(
        &self,
        id: &InstanceId,
        command: &CommandSpec,
        env: &EnvValues,
    ) -> Result<(i32, String), RuntimeError>;

    /// Log lines of an instance, oldest first.
    async fn logs(&self, id: &InstanceId, query: &LogQuery) -> Result<Vec<LogLine>, RuntimeError>;

    /// Sends the lines that `query` asks for and then every further one, oldest first. Returns
    /// when the instance has ended and its last line is sent, or when the receiver is dropped.
    async fn follow_logs(
        &self,
        id: &InstanceId,
        query: &LogQuery,
        lines: mpsc::Sender<LogLine>,
    ) -> Result<(), RuntimeError>;

    /// Removes the record and log of an instance that is not running.
    async fn remove(&self, id: &InstanceId) -> Result<(), RuntimeError>;

    /// Removes what the containers of an environment shared besides volumes, which stay: their
    /// network. For when the last of them is removed. Where instances share nothing there is
    /// nothing to do.
    async fn remove_shared(
        &self,
        _app: &AppName,
        _environment: &EnvironmentName,
    ) -> Result<(), RuntimeError> {
        Ok(())
    }
}
