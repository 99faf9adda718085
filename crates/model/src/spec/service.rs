//! Services.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::build::Build;
use super::check::{StatusRange, VersionSpec};
use crate::container::{ContainerRun, MountSource, MountSpec, NetworkMode};
use crate::env::{Secret, Template};
use crate::{CommandSpec, Digest, ServiceName, millis};

/// A part of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceSpec {
    /// How it runs, or that it is served.
    pub kind: ServiceKind,
    /// The build that this service declares.
    pub build: Option<Build>,
    /// The service whose build it runs: itself, or another that declares one.
    pub artifact: ServiceName,
    /// How many instances run.
    pub replicas: u32,
    /// Services that must be ready before this one starts.
    pub needs: Vec<ServiceName>,
    /// Variables, besides `PORT`, `HOST` and those that start with `LANDFALL_`.
    pub env: BTreeMap<String, Template>,
    /// The app's own word on its version.
    pub version: Option<VersionSpec>,
}

/// How a service runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// A process from a release tree.
    Process(ProcessSpec),
    /// A container from an image.
    Container(ContainerSpec),
    /// Files of a release tree, served by the proxy.
    Static(StaticSpec),
}

/// A process service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// What runs.
    pub run: CommandSpec,
    /// Working directory in the release tree; `.` is its root.
    pub dir: String,
    /// The port that the program insists on. With one, instances cannot overlap and are replaced
    /// stop-first; `None` gives every instance a port of its own in `PORT`.
    pub fixed_port: Option<u16>,
    /// How its instances live.
    pub life: LifeSpec,
    /// Paths in the release tree that are kept across releases.
    pub writable: Vec<String>,
}

/// A container service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// What its containers are made from, by the engine's names of networks and volumes. The image
    /// is what people call it. What a release runs is the image that this named when it was
    /// deployed, kept as the release's artifact.
    pub run: ContainerRun,
    /// Files that it finds, whatever its image has in their place.
    pub files: Vec<FileSpec>,
    /// Whether it is told `HOST` and `PORT`.
    pub is_told_port: bool,
    /// How its instances live.
    pub life: LifeSpec,
}

/// A file in a container that is not of its image: a config or a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSpec {
    /// Absolute path in the container.
    pub target: String,
    /// What it holds. Kept like the value of a variable, because it may be a password.
    pub content: Secret,
}

impl ContainerSpec {
    /// The ports of the host that only one of its containers can have.
    pub fn host_ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.run.ports.iter().filter_map(|port| port.host_port)
    }

    /// Whether something that outlives it can be written to from within.
    pub fn writes_outside(&self) -> bool {
        let writes = |mount: &MountSpec| {
            let lasts = matches!(
                mount.source,
                MountSource::Volume { .. } | MountSource::Bind { .. }
            );
            lasts && !mount.read_only
        };
        self.run.mounts.iter().any(writes)
    }
}

/// How the instances of a service live, whatever they run in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LifeSpec {
    /// Whether old and new instances may run at the same time.
    pub overlap: bool,
    /// When an instance may get requests.
    pub ready: ReadySpec,
    /// How it is stopped.
    pub stop: StopSpec,
    /// What happens when it exits by itself.
    pub restart: RestartSpec,
    /// What it may use.
    pub limits: Limits,
}

/// A static service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticSpec {
    /// Directory in the release tree; `.` is its root.
    pub dir: String,
    /// File that answers page requests for paths without a file: a single-page app's index.
    pub fallback: Option<String>,
    /// Globs, relative to `dir`, of files that never change under their name.
    pub immutable: Vec<String>,
}

/// When an instance is ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadySpec {
    /// The question.
    pub probe: Probe,
    /// How long it may take from the start of the process.
    #[serde(with = "millis")]
    pub within: Duration,
    /// Failures within this time after the start do not count towards `failures`.
    #[serde(with = "millis")]
    pub start_period: Duration,
    /// Time between questions.
    #[serde(with = "millis")]
    pub interval: Duration,
    /// How long one answer may take.
    #[serde(with = "millis")]
    pub timeout: Duration,
    /// This many failures in a row after the start period end the wait; `None` waits on.
    pub failures: Option<u32>,
}

/// A readiness question, asked by the agent from the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// `GET path` on the instance's port.
    Http {
        /// Path and query.
        path: String,
        /// Host header; `None` takes that of the service's first route, else `localhost`.
        host: Option<String>,
        /// Accepted statuses.
        status: Vec<StatusRange>,
    },
    /// The instance's port accepts a connection.
    Tcp,
    /// The engine finds the container healthy, by the check that it is given or its image has.
    Healthcheck,
    /// A command, run in the instance's directory and environment, exits with 0.
    Command(CommandSpec),
    /// The process stays up for this long.
    StaysUp {
        /// For how long.
        #[serde(with = "millis")]
        duration: Duration,
    },
}

/// How a process is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopSpec {
    /// Signal by its name: `SIGTERM`.
    pub signal: String,
    /// Time from the signal to the kill of the whole group.
    #[serde(with = "millis")]
    pub grace: Duration,
}

/// What happens when a process exits by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartSpec {
    /// Delay before the first restart; doubles with each, with jitter.
    #[serde(with = "millis")]
    pub backoff: Duration,
    /// The longest delay.
    #[serde(with = "millis")]
    pub max_backoff: Duration,
    /// Exits within `window` that make a crash loop.
    pub crash_loop_exits: u32,
    /// The window.
    #[serde(with = "millis")]
    pub crash_loop_window: Duration,
    /// After this long without an exit the delay starts over.
    #[serde(with = "millis")]
    pub stable_after: Duration,
}

impl Default for RestartSpec {
    fn default() -> Self {
        Self {
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(30),
            crash_loop_exits: 5,
            crash_loop_window: Duration::from_secs(60),
            stable_after: Duration::from_secs(60),
        }
    }
}

/// What an instance may use. `None` is no limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Cores.
    pub cpus: Option<f64>,
    /// Processes and threads.
    pub pids: Option<u32>,
    /// Open files.
    pub open_files: Option<u64>,
}

impl ServiceSpec {
    /// The process, where this service is one.
    pub fn process(&self) -> Option<&ProcessSpec> {
        match &self.kind {
            ServiceKind::Process(process) => Some(process),
            ServiceKind::Container(_) | ServiceKind::Static(_) => None,
        }
    }

    /// The container, where this service is one.
    pub fn container(&self) -> Option<&ContainerSpec> {
        match &self.kind {
            ServiceKind::Container(container) => Some(container),
            ServiceKind::Process(_) | ServiceKind::Static(_) => None,
        }
    }

    /// How its instances live, where it has any.
    pub fn life(&self) -> Option<&LifeSpec> {
        match &self.kind {
            ServiceKind::Process(process) => Some(&process.life),
            ServiceKind::Container(container) => Some(&container.life),
            ServiceKind::Static(_) => None,
        }
    }

    /// The port of the host that the program insists on.
    pub fn fixed_port(&self) -> Option<u16> {
        self.process().and_then(|process| process.fixed_port)
    }

    /// Whether a port of the host can be had by one instance only.
    pub fn holds_host_port(&self) -> bool {
        let of_container = |container: &ContainerSpec| {
            container.run.network == NetworkMode::Host || container.host_ports().next().is_some()
        };
        self.fixed_port().is_some() || self.container().is_some_and(of_container)
    }

    /// Whether old and new instances may run at the same time.
    pub fn may_overlap(&self) -> bool {
        !self.holds_host_port() && self.life().is_none_or(|life| life.overlap)
    }

    /// Whether the service answers on a port.
    pub fn listens(&self) -> bool {
        let asks = |life: &LifeSpec| matches!(life.ready.probe, Probe::Http { .. } | Probe::Tcp);
        self.fixed_port().is_some() || self.life().is_some_and(asks)
    }

    /// A digest of all that makes an instance what it is. Not part of it: how many there are,
    /// and how it is built.
    pub fn instance_digest(&self) -> Digest {
        let instance = Self {
            build: None,
            replicas: 0,
            needs: Vec::new(),
            ..self.clone()
        };
        Digest::of_json(&instance)
    }
}
