//! Running instances.
//!
//! [`Runtime`] is what the agent knows of processes and containers: start, stop, look, listen.
//! Its process implementation keeps one shim per instance, so that an instance outlives the agent.
//! Nothing here knows of deployments, routes or SQL.

use std::net::SocketAddr;
use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;
use landfall_model::env::EnvValues;
use landfall_model::spec::{Limits, RestartSpec, StopSpec};
use landfall_model::{
    AppName, CommandSpec, DeploymentId, EnvironmentName, InstanceId, ReleaseNumber, ServiceName,
};
use serde::{Deserialize, Serialize};

/// The format of [`InstanceSpec`] on disk.
pub const INSTANCE_FORMAT: u32 = 1;

/// What an instance should be. Holds no secret: the environment is given besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// [`INSTANCE_FORMAT`].
    pub format: u32,
    /// Its id, unique on the host for ever.
    pub id: InstanceId,
    /// What it belongs to; `None` for Landfall's own processes.
    pub owner: Option<Owner>,
    /// Program and arguments; never empty.
    pub argv: Vec<String>,
    /// Absolute working directory.
    pub dir: PathBuf,
    /// The port it was given.
    pub port: Option<u16>,
    /// What happens when it exits by itself; `None` leaves it exited: tasks.
    pub restart: Option<RestartSpec>,
    /// How it is stopped.
    pub stop: StopSpec,
    /// What it may use.
    pub limits: Limits,
    /// Bounds of its log.
    pub log: LogSpec,
}

/// What an instance belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The service, or the service of the task.
    pub service: ServiceName,
    /// The task, when it is one.
    pub task: Option<landfall_model::TaskName>,
    /// The release it was started for.
    pub release: ReleaseNumber,
    /// The deployment that started it; `None` for tasks run by hand.
    pub deployment: Option<DeploymentId>,
}

/// Bounds of an instance's log on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSpec {
    /// Bytes after which a file is rotated.
    pub max_file_bytes: u64,
    /// Files kept, the current one included.
    pub max_files: u32,
}

impl Default for LogSpec {
    /// 8 files of 8 MiB: an instance's log never takes more than 64 MiB.
    fn default() -> Self {
        Self {
            max_file_bytes: 8 << 20,
            max_files: 8,
        }
    }
}

/// What an instance is, as observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// What it should be.
    pub spec: InstanceSpec,
    /// What it is.
    pub state: InstanceState,
    /// How often it was restarted after exits of its own.
    pub restarts: u32,
    /// Its latest exit.
    pub last_exit: Option<Exit>,
    /// Grows with every change of this status.
    pub seq: u64,
}

/// The state of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum InstanceState {
    /// The process runs.
    Running {
        /// Its process id.
        pid: u32,
        /// Since when.
        since: Timestamp,
    },
    /// It exited by itself and will be started again.
    BackingOff {
        /// When.
        until: Timestamp,
    },
    /// It exited too often in too short a time; restarts go on at the longest delay.
    CrashLooping {
        /// Next attempt.
        until: Timestamp,
    },
    /// It exited, or was stopped, and stays so.
    Exited,
    /// Its shim is gone without a word: killed, or the host rebooted. The process is not running.
    Lost,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// When.
    pub at: Timestamp,
    /// Exit code, when it exited.
    pub code: Option<i32>,
    /// Signal number, when it was killed.
    pub signal: Option<i32>,
    /// Why, as far as the shim knows.
    pub reason: ExitReason,
    /// How long it had run, in milliseconds.
    pub ran_ms: u64,
}

/// Why a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitReason {
    /// By itself.
    Itself,
    /// The kernel killed it for memory, as the cgroup tells.
    OutOfMemory,
    /// It was asked to stop, and did.
    Stopped,
    /// It was asked to stop, did not within its grace time, and was killed.
    StopTimedOut,
    /// Someone else sent the signal.
    KilledByOther,
    /// The program could not be executed at all; the message is in the log.
    CouldNotStart,
}

/// Which log lines are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Only the last lines.
    pub tail: Option<usize>,
    /// Only lines from this moment on.
    pub since: Option<Timestamp>,
}

/// A line of an instance's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was read from the process.
    pub at: Timestamp,
    /// Which stream it came from.
    pub stream: Stream,
    /// The text without its line end; invalid UTF-8 replaced.
    pub text: String,
}

/// Where a log line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The shim's own word: exits, restarts, rotations, dropped lines.
    Landfall,
}

/// A failure of the runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No instance has this id.
    #[error("no instance {0}")]
    NotFound(InstanceId),
    /// The instance could not be started.
    #[error("failed to start instance {id}: {message}")]
    Start {
        /// Which.
        id: InstanceId,
        /// Why, for a person.
        message: String,
    },
    /// A file operation failed.
    #[error("failed to {operation} {path}")]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The shim did not answer as it should.
    #[error("shim of instance {id} {message}")]
    Shim {
        /// Which.
        id: InstanceId,
        /// What it did.
        message: String,
    },
}

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

    /// Removes the record and log of an instance that is not running.
    async fn remove(&self, id: &InstanceId) -> Result<(), RuntimeError>;
}
