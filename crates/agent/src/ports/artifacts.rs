//! Builds and trees: hashing inputs, building, keeping and laying out artifacts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use landfall_model::spec::BuildSpec;
use landfall_model::{AppName, Cause, Digest, ServiceName};
use landfall_runtime::ProcessUser;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

mod local;

pub use local::LocalArtifacts;

/// The inputs of a build, hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BuiltInputs {
    /// Digest of all of them.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Digest of each by path.
    #[schema(value_type = Object)]
    pub files: BTreeMap<String, Digest>,
}

/// A build that is made by whoever asks for a deployment, and whose tree is brought here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BuiltElsewhere {
    /// What it is made from.
    pub inputs: BuiltInputs,
    /// What it made, in the content store of this host; `None` while it was not needed.
    #[schema(value_type = Option<String>)]
    pub artifact: Option<Digest>,
}

/// The builds of a deployment that are made elsewhere, by the service that declares each.
pub type Elsewhere = BTreeMap<ServiceName, BuiltElsewhere>;

/// A build that succeeded.
pub struct BuildOutput {
    /// The tree it made.
    pub artifact: Digest,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Keeps the tree from garbage collection until a release names it.
    pub hold: Hold,
}

/// Keeps a tree from garbage collection until it is dropped.
pub type Hold = Box<dyn std::any::Any + Send + Sync>;

/// Where and for whom to build.
#[derive(Debug, Clone)]
pub struct BuildJob {
    /// The app.
    pub app: AppName,
    /// The service that declares the build.
    pub service: ServiceName,
    /// Directory of `landfall.toml`.
    pub root: PathBuf,
    /// The environment of its commands.
    pub env: BTreeMap<String, String>,
    /// Whose processes its commands are; `None` leaves them to the user of this process.
    pub user: Option<BuildUser>,
}

/// A user of this host who does nothing but one build at a time: when that has ended, all that the
/// user still runs is killed.
#[derive(Debug, Clone)]
pub struct BuildUser {
    /// Its numbers.
    pub ids: ProcessUser,
    /// What it finds at `/tmp`; made where it is not there.
    pub temporary: PathBuf,
}

/// Makes, keeps and lays out artifacts.
#[async_trait]
pub trait Artifacts: Send + Sync {
    /// Hashes the inputs of a build.
    async fn inputs(&self, root: &Path, spec: &BuildSpec) -> Result<BuiltInputs, Cause>;

    /// Paths that differ between two sets of inputs, for a person.
    fn explain(&self, before: &BTreeMap<String, Digest>, after: &BuiltInputs) -> Vec<String>;

    /// Runs a build and keeps what it made. Dropping the future kills the build.
    async fn build(
        &self,
        job: &BuildJob,
        spec: &BuildSpec,
        lines: mpsc::Sender<String>,
    ) -> Result<BuildOutput, Cause>;

    /// Keeps a tree from garbage collection. Ask [`Artifacts::contains`] after taking it.
    fn hold(&self, tree: Digest) -> Result<Hold, Cause>;

    /// Whether a tree is there, whole.
    async fn contains(&self, tree: Digest) -> bool;

    /// Lays out a tree where nothing is yet. All or nothing.
    async fn materialise(&self, tree: Digest, to: &Path) -> Result<(), Cause>;

    /// Removes every tree that is not kept; bytes freed.
    async fn collect_garbage(&self, keep: BTreeSet<Digest>) -> Result<u64, Cause>;
}
