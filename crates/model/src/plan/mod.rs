//! Plans: what a deployment will do and why, computed before anything is done.

mod adopt;
mod changes;
mod compute;
mod observed;
mod only;
mod order;
mod services;
mod step;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use adopt::AdoptLine;
pub use compute::{instance_key, plan};
pub use observed::{BuildNeed, BuildReason, Desired, Observed, ObservedInstance, Refusal};
pub use only::only;
pub use step::StepName;

use crate::spec::{RouteSpec, When};
use crate::{Digest, InstanceId, ReleaseNumber, ServiceName, TaskName};

/// The format of [`Plan`].
pub const PLAN_FORMAT: u32 = 1;

/// What a person asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Intent {
    /// Ship the source tree.
    Deploy {
        /// Build and replace everything, changed or not.
        force: bool,
        /// Which services; empty means all. The others stay as they are.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        only: Vec<ServiceName>,
    },
    /// Return to a release that is kept.
    Rollback {
        /// Which; `None` is the one before the live one.
        to: Option<ReleaseNumber>,
    },
    /// Replace running instances by new ones of the same release.
    Restart {
        /// Which; empty means all.
        services: Vec<ServiceName>,
    },
    /// Change how many instances run.
    Scale {
        /// Instances by service.
        replicas: BTreeMap<ServiceName, u32>,
    },
    /// Start what was stopped.
    Start {
        /// Which; empty means all.
        services: Vec<ServiceName>,
    },
    /// Stop without removing anything.
    Stop {
        /// Which; empty means all.
        services: Vec<ServiceName>,
    },
}

impl Intent {
    /// The word for it in tables and messages.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Deploy { .. } => "deploy",
            Self::Rollback { .. } => "rollback",
            Self::Restart { .. } => "restart",
            Self::Scale { .. } => "scale",
            Self::Start { .. } => "start",
            Self::Stop { .. } => "stop",
        }
    }
}

/// What a deployment will do. The executor does this and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_FORMAT`].
    pub format: u32,
    /// What was asked for.
    pub intent: Intent,
    /// The live release now.
    pub from: Option<ReleaseNumber>,
    /// The live release afterwards.
    pub to: Option<ReleaseNumber>,
    /// Whether `to` is a release that this deployment makes.
    pub makes_release: bool,
    /// Artifacts, by the service that declares the build.
    pub builds: Vec<BuildLine>,
    /// Services.
    pub services: Vec<ServiceLine>,
    /// Containers of a Compose project whose place is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adopts: Vec<AdoptLine>,
    /// Routes that come, go or change.
    pub routes: Vec<RouteLine>,
    /// Variables that come, go or change. Never their values.
    pub env: Vec<EnvLine>,
    /// Tasks that run.
    pub tasks: Vec<TaskLine>,
    /// Services that are stopped on purpose afterwards.
    pub stopped: Vec<ServiceName>,
    /// What happens, in order; empty when there is nothing to do.
    pub steps: Vec<StepName>,
    /// What a person should know before saying yes.
    pub notes: Vec<String>,
}

/// What happens to an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildLine {
    /// The service that declares the build.
    pub service: ServiceName,
    /// Whether it is built; otherwise an artifact that exists is used.
    pub build: bool,
    /// Why.
    pub reason: String,
}

/// What happens to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLine {
    /// The service.
    pub service: ServiceName,
    /// What happens.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// Running instances that stay.
    pub keep: Vec<InstanceId>,
    /// Running instances that go.
    pub stop: Vec<InstanceId>,
    /// How many new instances start.
    pub start: u32,
}

/// What happens to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing: it runs as it should.
    Keep,
    /// It did not run and starts.
    Start,
    /// New instances take over from old ones, with no gap.
    Replace,
    /// Old instances stop before new ones start, with a gap.
    ReplaceStopFirst,
    /// It gets more or fewer instances.
    Scale,
    /// The proxy serves other files.
    Serve,
    /// It stops.
    Stop,
}

/// A route that comes, goes or changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteLine {
    /// The route afterwards; before, when it goes.
    pub route: RouteSpec,
    /// What happens to it.
    pub change: Change,
}

/// A variable that comes, goes or changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvLine {
    /// The service.
    pub service: ServiceName,
    /// The variable's name.
    pub name: String,
    /// What happens to it.
    pub change: Change,
}

/// What happens to a thing with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It comes.
    Added,
    /// It goes.
    Removed,
    /// It is another than before.
    Changed,
}

/// A task that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLine {
    /// The task.
    pub task: TaskName,
    /// When.
    pub when: When,
    /// The command, as the user wrote it.
    pub command: String,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_noop(&self) -> bool {
        self.steps.is_empty()
    }

    /// By this a person confirms one plan and gets no other.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// The line of a service.
    pub fn service(&self, name: &ServiceName) -> Option<&ServiceLine> {
        self.services.iter().find(|line| line.service == *name)
    }

    /// All instances that go.
    pub fn stops(&self) -> impl Iterator<Item = &InstanceId> {
        self.services.iter().flat_map(|line| &line.stop)
    }
}
