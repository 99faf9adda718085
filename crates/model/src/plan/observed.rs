//! What a plan is computed from.

use std::collections::{BTreeMap, BTreeSet};

use super::Intent;
use crate::compose::ComposeContainer;
use crate::release::{Artifact, Release, SourceInfo};
use crate::spec::AppSpec;
use crate::{CauseKind, Digest, InstanceId, ReleaseNumber, ServiceName};

/// What should be.
#[derive(Debug, Clone)]
pub struct Desired {
    /// What was asked for.
    pub intent: Intent,
    /// The spec to deploy. For everything but a deploy: that of the release it is about.
    pub spec: AppSpec,
    /// By the service that declares the build.
    pub builds: BTreeMap<ServiceName, BuildNeed>,
    /// Where the source came from.
    pub source: SourceInfo,
}

/// Whether an artifact exists for the inputs as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildNeed {
    /// It does.
    Exists(Artifact),
    /// It must be built.
    Needed(BuildReason),
}

/// Why something must be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildReason {
    /// It never was.
    First,
    /// Its inputs changed: the paths, in order.
    InputsChanged(Vec<String>),
    /// Someone insists.
    Forced,
    /// It was built, but the artifact is not in the store any more.
    ArtifactGone,
    /// It is an image of a registry that is not on the machine.
    NotHere,
}

/// What is.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The number that a new release would get.
    pub next_release: ReleaseNumber,
    /// The live release.
    pub live: Option<Release>,
    /// For a rollback: the release to return to, looked up by the agent.
    pub target: Option<Release>,
    /// Services that someone stopped.
    pub stopped: BTreeSet<ServiceName>,
    /// Instances of the environment that should run.
    pub instances: Vec<ObservedInstance>,
    /// Containers of the Compose project that the app adopts.
    pub compose: Vec<ComposeContainer>,
}

/// An instance that should run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedInstance {
    /// The instance.
    pub id: InstanceId,
    /// Its service.
    pub service: ServiceName,
    /// [`super::instance_key`] of what it was started from.
    pub key: Digest,
    /// Whether its process runs.
    pub running: bool,
}

/// A request that contradicts the state of the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// [`CauseKind::Refused`] or [`CauseKind::ArtifactGone`].
    pub kind: CauseKind,
    /// Why, for a person.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            kind: CauseKind::Refused,
            message: message.into(),
        }
    }
}
