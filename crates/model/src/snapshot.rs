//! Route snapshots: all that the proxy knows, as one immutable value with a generation.
//!
//! The agent writes them, the proxy keeps the last one on disk and answers from it alone.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::env::Secret;
use crate::{AppName, EnvironmentName, InstanceId, Network, ReleaseNumber, ServiceName};

/// The format of [`Snapshot`] that this build writes, and the newest that it reads.
pub const SNAPSHOT_FORMAT: u32 = 1;

/// Request header that carries the agent's token. With it the proxy stamps its answer.
pub const PROBE_HEADER: &str = "landfall-probe";
/// Request header that carries a candidate's token: the request is answered by the candidate.
pub const CANDIDATE_HEADER: &str = "landfall-candidate";
/// Stamped on answers to the agent: the release that the answering table belongs to.
pub const RELEASE_HEADER: &str = "landfall-release";
/// Stamped on answers to the agent: the instance that answered.
pub const INSTANCE_HEADER: &str = "landfall-instance";
/// On every answer that the proxy made itself: why, as a kebab-case word.
pub const PROXY_ERROR_HEADER: &str = "landfall-error";

/// Everything the proxy serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`SNAPSHOT_FORMAT`] of the build that wrote it.
    pub format: u32,
    /// Grows with every snapshot; the proxy refuses older ones.
    pub generation: u64,
    /// Where HTTP is served.
    pub http: Vec<SocketAddr>,
    /// Web servers in front: what they say about whom they forward for is believed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Network>,
    /// Token of the agent for [`PROBE_HEADER`].
    pub probe_token: Secret,
    /// One live table per environment.
    pub tables: Vec<Table>,
    /// Tables that only a token reaches.
    pub candidates: Vec<Candidate>,
}

/// The routes and services of one environment at one release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The release that these routes belong to; `None` while everything is stopped.
    pub release: Option<ReleaseNumber>,
    /// Routes; the most specific wins: exact host, wildcard host, any host; then longest path.
    pub routes: Vec<Route>,
    /// What answers, by service. A service with a route and without an entry is stopped.
    pub services: BTreeMap<ServiceName, Upstream>,
    /// Stable addresses of services on loopback, served at layer 4.
    pub addresses: Vec<Address>,
}

impl Table {
    /// Every instance that gets requests.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.services.values().flat_map(|upstream| match upstream {
            Upstream::Instances(targets) => targets.as_slice(),
            Upstream::Files(_) => &[],
        })
    }

    /// The same, to be changed.
    pub fn targets_mut(&mut self) -> impl Iterator<Item = &mut Target> {
        self.services
            .values_mut()
            .flat_map(|upstream| match upstream {
                Upstream::Instances(targets) => targets.as_mut_slice(),
                Upstream::Files(_) => &mut [],
            })
    }
}

/// A release that is rehearsed: reachable only with its token in [`CANDIDATE_HEADER`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The token.
    pub token: Secret,
    /// Its table.
    pub table: Table,
}

/// A route of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Exact host, `*.example.org`, or `None` for any; lower-case, without port.
    pub host: Option<String>,
    /// Path prefix; matches whole segments.
    pub path: String,
    /// The service.
    pub service: ServiceName,
    /// Whether the prefix is removed before the request is sent on.
    pub strip_prefix: bool,
}

/// What answers for a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upstream {
    /// Instances; empty answers 503.
    Instances(Vec<Target>),
    /// Files.
    Files(Files),
}

/// An instance that gets requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The instance.
    pub instance: InstanceId,
    /// The release that it was started for, by which the proxy counts.
    pub release: ReleaseNumber,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Files served by the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// Absolute directory of this release.
    pub root: String,
    /// The release, by which the proxy counts.
    pub release: ReleaseNumber,
    /// File that answers page requests for paths without a file.
    pub fallback: Option<String>,
    /// Globs, relative to `root`, of files that never change under their name.
    pub immutable: Vec<String>,
}

/// A stable address of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Loopback address that the proxy listens on.
    pub listen: SocketAddr,
    /// The service behind it.
    pub service: ServiceName,
}

/// The proxy's answer to a snapshot: it is in force, for every request from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The generation in force.
    pub generation: u64,
    /// Addresses that could not be listened on, with the reason. Everything else is in force.
    pub unbound: Vec<Unbound>,
}

/// An address that the proxy could not listen on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unbound {
    /// The address.
    pub address: SocketAddr,
    /// Why, for a person.
    pub reason: String,
}

/// What the proxy is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyStatus {
    /// Version of the binary.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// The generation in force; 0 before the first snapshot.
    pub generation: u64,
    /// Where it listens for HTTP.
    pub http: Vec<SocketAddr>,
    /// Requests and streams under way, by instance; instances of earlier snapshots included
    /// until they have none.
    pub in_flight: BTreeMap<InstanceId, u64>,
    /// Instances that passive ejection keeps requests from, at this moment.
    pub ejected: Vec<InstanceId>,
}

/// What the proxy counted since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Changes when the proxy restarts and counting begins anew.
    pub epoch: u64,
    /// One row per environment, service and release.
    pub rows: Vec<CounterRow>,
}

/// Counts of one service in one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterRow {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The service.
    pub service: ServiceName,
    /// The release of the instance that answered.
    pub release: ReleaseNumber,
    /// Requests that the app answered, by first digit of the status: 1xx … 5xx.
    pub by_class: [u64; 5],
    /// Requests that the proxy answered in the app's place: 502, 503, 504.
    pub proxy_errors: u64,
    /// Time to the response head: how many answers fell in each bucket of
    /// [`LATENCY_BUCKETS_US`], and beyond the last.
    pub latency: Vec<u64>,
}

/// Upper bounds of the latency buckets in microseconds: doubling from 0.25 ms to 65.5 s, so that a
/// median is known within a factor of two everywhere.
pub const LATENCY_BUCKETS_US: [u64; 19] = [
    250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000,
    1_024_000, 2_048_000, 4_096_000, 8_192_000, 16_384_000, 32_768_000, 65_536_000,
];
