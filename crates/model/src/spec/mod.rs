//! What an app should be in one environment, fully resolved. Written by `config`, stored in
//! releases, executed by the agent.

mod build;
mod check;
mod image_build;
mod service;
mod task;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use build::{Build, BuildSpec, OutputSpec};
pub use check::{BodyExpect, SmokeSpec, StatusRange, VersionSource, VersionSpec, WatchSpec};
pub use image_build::{BuildNetwork, BuildSecret, Dockerfile, ExtraHost, ImageBuildSpec};
pub use service::{
    ContainerSpec, FileSpec, LifeSpec, Limits, Probe, ProcessSpec, ReadySpec, RestartSpec,
    ServiceKind, ServiceSpec, StaticSpec, StopSpec,
};
pub use task::{TaskSpec, When};

use crate::{AppName, EnvironmentName, ReleaseNumber, ServiceName, TaskName, millis};

/// The format of [`AppSpec`] that this build writes, and the newest that it reads.
pub const SPEC_FORMAT: u32 = 1;

/// An app in one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppSpec {
    /// [`SPEC_FORMAT`] of the build that wrote it.
    pub format: u32,
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// Every service, by name.
    pub services: BTreeMap<ServiceName, ServiceSpec>,
    /// Routes in no particular order; the proxy prefers the most specific.
    pub routes: Vec<RouteSpec>,
    /// One-off commands.
    pub tasks: BTreeMap<TaskName, TaskSpec>,
    /// Questions asked of a release before users meet it, and after.
    pub smoke: Vec<SmokeSpec>,
    /// How a release proves itself under real traffic; `None` when it does not have to.
    pub watch: Option<WatchSpec>,
    /// How many releases stay ready for a rollback, the live one not counted.
    pub keep_releases: u32,
    /// How long in-flight requests and streams of replaced instances may go on.
    #[serde(with = "millis")]
    pub drain: Duration,
    /// Services that a deployment of others left as they were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<ServiceName, Origin>,
    /// The Compose project on the host whose containers a deploy of it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopts: Option<String>,
}

/// Where a service comes from that is older than its release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The release that it came with.
    pub release: ReleaseNumber,
    /// The commit of that.
    pub commit: Option<String>,
}

/// A route: requests for a host and path go to a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RouteSpec {
    /// Exact host, or `*.example.org`, lower-case and without port; `None` answers any host.
    pub host: Option<String>,
    /// Path prefix that starts with `/`; matches whole segments.
    pub path: String,
    /// The service that answers.
    pub to: ServiceName,
    /// Whether the prefix is removed before the request is sent on.
    pub strip_prefix: bool,
}

impl AppSpec {
    /// The services whose stable address another service asks for.
    pub fn addressed_services(&self) -> impl Iterator<Item = &ServiceName> {
        let mut found: Vec<&ServiceName> = self
            .services
            .values()
            .flat_map(|service| service.env.values())
            .chain(self.tasks.values().flat_map(|task| task.env.values()))
            .flat_map(crate::env::Template::services)
            .collect();
        found.sort();
        found.dedup();
        found.into_iter()
    }

    /// The builds that the services need, by the service that declares each.
    pub fn builds(&self) -> impl Iterator<Item = (&ServiceName, &Build)> {
        self.services
            .iter()
            .filter_map(|(name, service)| Some((name, service.build.as_ref()?)))
    }

    /// The host by which the outside asks for a service: that of its first route with one.
    pub fn public_host(&self, service: &ServiceName) -> Option<&str> {
        self.routes
            .iter()
            .filter(|route| route.to == *service)
            .find_map(|r| r.host.as_deref())
    }
}
