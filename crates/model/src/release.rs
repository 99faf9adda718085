//! Releases: what rollback restores whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::spec::{AppSpec, Origin};
use crate::{DeploymentId, Digest, ReleaseNumber, ServiceName};

/// Where a release's source came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// Full commit hash; `None` outside a git repository.
    pub commit: Option<String>,
    /// Branch that was checked out.
    pub branch: Option<String>,
    /// Author of the commit, `Name <mail>`.
    pub author: Option<String>,
    /// First line of the commit message.
    pub subject: Option<String>,
    /// Whether the tree held changes that the commit does not.
    #[serde(default)]
    pub dirty: bool,
}

/// An artifact of a release: the immutable output of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Digest of the tree, or id of the image.
    pub digest: Digest,
    /// Digest of the inputs that it was built from; of an image that was not, of its name.
    pub inputs: Digest,
}

impl Artifact {
    /// Whether it is an image, rather than a tree.
    pub fn is_image(&self) -> bool {
        self.digest.is_image()
    }
}

/// One release of one environment. Immutable once it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Its number.
    pub number: ReleaseNumber,
    /// The whole configuration, env included.
    pub spec: AppSpec,
    /// By the service that declares the build.
    pub artifacts: BTreeMap<ServiceName, Artifact>,
    /// Where it came from.
    pub source: SourceInfo,
    /// The deployment that made it.
    pub deployment: DeploymentId,
}

impl Release {
    /// Where a service of it comes from: itself, unless a deployment of others left it as it was.
    pub fn origin(&self, service: &ServiceName) -> Origin {
        let kept = self.spec.kept.get(service);
        kept.cloned().unwrap_or_else(|| Origin {
            release: self.number,
            commit: self.source.commit.clone(),
        })
    }
}
