//! Builds of container images.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::container::Ulimit;
use crate::millis;

/// How an image is made from the source tree by a Docker engine with BuildKit.
///
/// Directories are relative to that of `landfall.toml`, use `/`, and may lead above it with `../`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageBuildSpec {
    /// The directory whose files `COPY` and `ADD` see; `.` is that of `landfall.toml`.
    pub context: String,
    /// What to do.
    pub dockerfile: Dockerfile,
    /// The stage that becomes the image; `None` takes the last one.
    pub target: Option<String>,
    /// Values for `ARG`. They are seen in the history of the image: no place for secrets.
    pub args: BTreeMap<String, String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Further directories, by the name that `COPY --from=` and `FROM` use. Needs Docker 23.
    pub additional_contexts: BTreeMap<String, String>,
    /// Images in registries whose layers save steps. One that cannot be had saves none.
    pub cache_from: Vec<String>,
    /// Whether the image says of what it was made, so that, pushed to a registry, it can be another
    /// build's `cache_from`.
    pub inline_cache: bool,
    /// Names that steps resolve to these addresses, in the order in which they were written.
    pub extra_hosts: Vec<ExtraHost>,
    /// What steps reach.
    pub network: BuildNetwork,
    /// Whether every step runs, even one whose result is known.
    pub no_cache: bool,
    /// Whether base images are asked of their registry although they are on the machine.
    pub pull: bool,
    /// The platform of the image, as `linux/arm64`; `None` is the engine's own.
    pub platform: Option<String>,
    /// What `RUN --mount=type=secret` sees, by id. It is in no image.
    pub secrets: BTreeMap<String, BuildSecret>,
    /// Size of `/dev/shm` in steps, in bytes. Needs Docker 23.
    pub shm_size: Option<u64>,
    /// Limits of steps, by name, as `nofile`. Needs Docker 23.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// How long it may take.
    #[serde(with = "millis")]
    pub timeout: Duration,
}

/// Where the instructions are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dockerfile {
    /// In a file, relative to the context. It may lie outside of it.
    File(String),
    /// Here.
    Inline(String),
}

/// A name that steps of a build resolve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraHost {
    /// The name.
    pub name: String,
    /// What it resolves to.
    pub address: IpAddr,
}

/// What steps of a build reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildNetwork {
    /// The outside, through the engine's own bridge.
    #[default]
    Default,
    /// Nothing.
    None,
    /// What the host reaches, and the host.
    Host,
}

/// Where the value of a build's secret is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildSecret {
    /// In a file, relative to the directory of `landfall.toml`, or absolute.
    File(String),
    /// In this variable of the person who deploys.
    Variable(String),
}
