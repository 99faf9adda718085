//! What an instance should be, and what it is.
//!
//! Plain data, on disk and on the wire between the shim and the agent; it holds no secret.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use landfall_model::spec::{Limits, RestartSpec, StopSpec};
use landfall_model::{
    AppName, DeploymentId, EnvironmentName, InstanceId, ReleaseNumber, ServiceName, TaskName,
};
use serde::{Deserialize, Serialize};

use landfall_model::container::ContainerRun;

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
    /// What runs.
    pub run: RunSpec,
    /// The port it was given, where it is a process.
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

/// What runs as an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunSpec {
    /// A process of this host.
    Process {
        /// Program and arguments; never empty.
        argv: Vec<String>,
        /// Absolute working directory.
        dir: PathBuf,
        /// Whose process it becomes; `None` leaves it to the user that starts it. Only root can
        /// start processes of others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<ProcessUser>,
    },
    /// A container.
    Container(ContainerRun),
}

/// The user of a process. One that has a user is confined: it can gain no privileges, and `/tmp`
/// and `/var/tmp` are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessUser {
    /// Number of the user.
    pub uid: u32,
    /// Number of its group. It is in no other.
    pub gid: u32,
}

impl RunSpec {
    /// Program, arguments and working directory, where it is a process.
    pub fn process(&self) -> Option<(&[String], &Path)> {
        match self {
            Self::Process { argv, dir, .. } => Some((argv, dir)),
            Self::Container(_) => None,
        }
    }

    /// The user of the process, where it is one and has one of its own.
    pub fn user(&self) -> Option<ProcessUser> {
        match self {
            Self::Process { user, .. } => *user,
            Self::Container(_) => None,
        }
    }

    /// The container, where it is one.
    pub fn container(&self) -> Option<&ContainerRun> {
        match self {
            Self::Process { .. } => None,
            Self::Container(container) => Some(container),
        }
    }
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
    pub task: Option<TaskName>,
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
    /// What the engine's check of its health says; `None` where there is no such check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Grows with every change of this status.
    pub seq: u64,
    /// What is not as the spec asks, for a person: limits that cannot be enforced here, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The health of a container, as its engine finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "health", rename_all = "snake_case")]
pub enum Health {
    /// Not known yet.
    Starting,
    /// The check passes.
    Healthy,
    /// The check failed too often in a row.
    Unhealthy {
        /// What it printed last.
        output: String,
    },
}

/// The state of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum InstanceState {
    /// The process runs.
    Running {
        /// Its process id; that of its first process, where it is a container.
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
    /// What kept it is gone without a word: its shim was killed, the host rebooted, its container
    /// was removed by hand. It is not running.
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
    /// Why, as far as is known.
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
