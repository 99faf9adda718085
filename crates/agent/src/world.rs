//! Everything that the control plane works with, in one place.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use landfall_model::env::Secret;
use landfall_model::release::Artifact;
use landfall_model::spec::Build;
use landfall_model::{Cause, CauseKind, Digest};
use landfall_runtime::Runtime;
use landfall_store::{EnvironmentKey, Store, StoreError};
use tokio::sync::mpsc;

use crate::events::Events;
use crate::paths::StatePaths;
use crate::ports::artifacts::{BuildJob, BuiltInputs, Hold};
use crate::ports::{Artifacts, Clock, ComposeProjects, Images, Prober, ProxyControl};
use crate::routes::Routes;
use crate::users::{AppUser, Users};

/// The parts of the control plane. Clones share them.
#[derive(Clone)]
pub struct World {
    /// The journal and all other state.
    pub store: Store,
    /// Instances.
    pub runtime: Arc<dyn Runtime>,
    /// The proxy.
    pub proxy: Arc<dyn ProxyControl>,
    /// Questions to instances and to the proxy.
    pub prober: Arc<dyn Prober>,
    /// Builds and trees.
    pub artifacts: Arc<dyn Artifacts>,
    /// Images.
    pub images: Arc<dyn Images>,
    /// What Docker Compose runs here.
    pub compose: Arc<dyn ComposeProjects>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where state is.
    pub paths: StatePaths,
    /// What happens, for everyone who watches.
    pub events: Events,
    /// The one writer of route snapshots.
    pub routes: Arc<Routes>,
    /// Where the proxy serves HTTP.
    pub http: SocketAddr,
    /// The agent's token at the proxy.
    pub probe_token: Secret,
    /// Variables that every process of an app gets from its host: `PATH`, `HOME` and the like.
    pub base_env: Arc<Vec<(String, String)>>,
    /// The users under which apps run; `None` where they run as the agent does.
    pub users: Option<Arc<dyn Users>>,
}

impl World {
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Where HTTP is served, as it is reached from this host: a socket of all addresses has loopback
    /// of IPv4 among them, and a host can be without that of IPv6.
    pub fn http_here(&self) -> SocketAddr {
        match self.http.ip().is_unspecified() {
            true => (Ipv4Addr::LOCALHOST, self.http.port()).into(),
            false => self.http,
        }
    }

    /// The user of an environment, where it has one of its own.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn user(&self, key: &EnvironmentKey) -> Result<Option<AppUser>, Cause> {
        self.users.as_ref().map(|users| users.of(key)).transpose()
    }

    /// Hashes the inputs of a build.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn inputs(&self, root: &Path, build: &Build) -> Result<BuiltInputs, Cause> {
        match build {
            Build::Tree(spec) => self.artifacts.inputs(root, spec).await,
            Build::Image(spec) => self.images.inputs(root, spec).await,
        }
    }

    /// Builds from these inputs; the artifact and what keeps it.
    ///
    /// # Errors
    /// When the build fails.
    pub async fn build(
        &self,
        job: &BuildJob,
        build: &Build,
        inputs: &Digest,
        lines: mpsc::Sender<String>,
    ) -> Result<(Digest, Option<Hold>), Cause> {
        match build {
            Build::Tree(spec) => {
                let built = self.artifacts.build(job, spec, lines).await?;
                Ok((built.artifact, Some(built.hold)))
            }
            Build::Image(spec) => {
                let image = self.images.build(job, spec, inputs, lines).await?;
                Ok((image, None))
            }
        }
    }

    /// Keeps an artifact until what is returned is dropped, where it is one that would go.
    ///
    /// # Errors
    /// When the content store fails.
    pub fn hold(&self, artifact: &Artifact) -> Result<Option<Hold>, Cause> {
        match artifact.is_image() {
            true => Ok(None),
            false => self.artifacts.hold(artifact.digest).map(Some),
        }
    }

    /// Whether an artifact is there, whole.
    pub async fn has_artifact(&self, artifact: &Artifact) -> bool {
        match artifact.is_image() {
            true => self.images.contains(artifact.digest).await,
            false => self.artifacts.contains(artifact.digest).await,
        }
    }
}

/// A cause for a failure of the store, which is never the user's doing.
pub fn store_cause(error: StoreError) -> Cause {
    match error.is_disk_full() {
        true => disk_full(chain(&error)),
        false => Cause::new(CauseKind::Internal, chain(&error)),
    }
}

/// A cause for a write that found no space; `how` names what was written.
pub fn disk_full(how: String) -> Cause {
    Cause::new(
        CauseKind::DiskFull,
        "no space is left on the disk of the state directory",
    )
    .with_evidence([how])
    .with_fix("free space there, or keep fewer releases (`keep_releases`)")
}

/// An error and its sources on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
