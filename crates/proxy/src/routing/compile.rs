//! A snapshot made ready for lookup. Immutable; requests hold parts of it by reference count.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use landfall_model::ReleaseNumber;
use landfall_model::snapshot::{Snapshot, Table, Target, Upstream};

use super::hosts::Hosts;
use super::{CounterCells, CounterKey, HostBuf, Instance, Registry};
use crate::files::FileRoot;

/// The snapshot in force.
#[derive(Debug)]
pub(crate) struct Routing {
    /// As it came, for the disk and for successors.
    pub(crate) snapshot: Arc<Snapshot>,
    live: Hosts,
    candidates: Vec<(Box<[u8]>, Hosts)>,
    addresses: HashMap<SocketAddr, Arc<Service>>,
    keys: HashSet<u64>,
}

/// A route.
#[derive(Debug)]
pub(crate) struct RouteEntry {
    /// Path without the slash at its end; empty for `/`.
    pub(crate) prefix: Box<[u8]>,
    /// Whether the prefix is removed.
    pub(crate) strip_prefix: bool,
    /// What answers.
    pub(crate) service: Arc<Service>,
}

/// A service of a table.
#[derive(Debug)]
pub(crate) struct Service {
    /// `"app":"shop","env":"production","service":"web"`, for the access log.
    pub(crate) log_fields: String,
    /// The release of the table.
    pub(crate) release: Option<ReleaseNumber>,
    /// What answers.
    pub(crate) upstream: ServiceUpstream,
    /// Where errors without a target are counted; `None` for candidates.
    pub(crate) counters: Option<Arc<CounterCells>>,
}

/// What answers for a service.
#[derive(Debug)]
pub(crate) enum ServiceUpstream {
    /// Instances, perhaps none at this moment.
    Instances(Vec<Arc<TargetEntry>>),
    /// Files.
    Files(Arc<FileRoot>),
    /// The table does not say: the service is stopped.
    Stopped,
}

/// An instance that gets requests.
#[derive(Debug)]
pub(crate) struct TargetEntry {
    /// Its state.
    pub(crate) instance: Arc<Instance>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its release.
    pub(crate) release: ReleaseNumber,
    /// Where its answers are counted; `None` for candidates.
    pub(crate) counters: Option<Arc<CounterCells>>,
}

impl Routing {
    /// Compiles a snapshot. What `registry` already knows keeps its state.
    pub(super) fn compile(snapshot: Snapshot, registry: &mut Registry) -> Self {
        let mut live = Hosts::default();
        let mut addresses = HashMap::new();
        let mut compiler = Compiler {
            registry,
            keys: HashSet::new(),
        };
        for table in &snapshot.tables {
            let services = compiler.add_table(table, &mut live, true);
            for address in &table.addresses {
                if let Some(service) = services.get(address.service.as_str()) {
                    addresses.insert(address.listen, service.clone());
                }
            }
        }
        let mut candidates = Vec::new();
        for candidate in &snapshot.candidates {
            let mut hosts = Hosts::default();
            compiler.add_table(&candidate.table, &mut hosts, false);
            let token = candidate.token.reveal().as_bytes();
            if !token.is_empty() {
                candidates.push((token.into(), hosts));
            }
        }
        Self {
            live,
            candidates,
            addresses,
            keys: compiler.keys,
            snapshot: Arc::new(snapshot),
        }
    }

    /// The route for a request of the public.
    pub(crate) fn find(&self, host: &HostBuf, path: &[u8]) -> Option<&Arc<RouteEntry>> {
        self.live.find(host, path)
    }

    /// The route for a request with a candidate's token. The outer `None` is an unknown token.
    pub(crate) fn find_candidate(
        &self,
        token: &[u8],
        host: &HostBuf,
        path: &[u8],
    ) -> Option<Option<&Arc<RouteEntry>>> {
        let is_token = |known: &[u8]| constant_time_eq(known, token);
        let candidate = self.candidates.iter().find(|(known, _)| is_token(known))?;
        Some(candidate.1.find(host, path))
    }

    /// The service behind a stable address.
    pub(crate) fn service_at(&self, address: SocketAddr) -> Option<&Arc<Service>> {
        self.addresses.get(&address)
    }

    /// Whether a request proves itself as the agent's.
    pub(crate) fn is_probe(&self, token: &[u8]) -> bool {
        let known = self.snapshot.probe_token.reveal().as_bytes();
        !known.is_empty() && constant_time_eq(known, token)
    }

    /// Whether a peer is a web server in front, whose word about visitors is believed.
    pub(crate) fn is_behind(&self, peer: IpAddr) -> bool {
        self.snapshot
            .behind
            .iter()
            .any(|network| network.contains(peer))
    }

    /// Whether an instance, by its key, may get requests.
    pub(crate) fn has_instance(&self, key: u64) -> bool {
        self.keys.contains(&key)
    }
}

struct Compiler<'a> {
    registry: &'a mut Registry,
    keys: HashSet<u64>,
}

impl Compiler<'_> {
    fn add_table<'t>(
        &mut self,
        table: &'t Table,
        hosts: &mut Hosts,
        is_counted: bool,
    ) -> HashMap<&'t str, Arc<Service>> {
        let mut services = HashMap::new();
        for (name, upstream) in &table.services {
            let service = self.service(table, name.as_str(), Some(upstream), is_counted);
            services.insert(name.as_str(), Arc::new(service));
        }
        for route in &table.routes {
            let name = route.service.as_str();
            let service = match services.get(name) {
                Some(service) => service.clone(),
                None => Arc::new(self.service(table, name, None, is_counted)),
            };
            let entry = RouteEntry {
                prefix: route.path.trim_end_matches('/').as_bytes().into(),
                strip_prefix: route.strip_prefix,
                service,
            };
            hosts.insert(route.host.as_deref(), Arc::new(entry));
        }
        services
    }

    fn service(
        &mut self,
        table: &Table,
        name: &str,
        upstream: Option<&Upstream>,
        is_counted: bool,
    ) -> Service {
        let counters = |release, registry: &mut Registry| {
            let key = CounterKey {
                release,
                app: table.app.clone(),
                environment: table.environment.clone(),
                service: name.parse().ok()?,
            };
            is_counted.then(|| registry.counters.get(key))
        };
        let upstream = match upstream {
            None => ServiceUpstream::Stopped,
            Some(Upstream::Files(files)) => {
                let counters = counters(files.release, self.registry);
                ServiceUpstream::Files(Arc::new(FileRoot::new(files, counters)))
            }
            Some(Upstream::Instances(targets)) => ServiceUpstream::Instances(
                targets
                    .iter()
                    .map(|target| {
                        let counters = counters(target.release, self.registry);
                        self.target(target, counters)
                    })
                    .collect(),
            ),
        };
        Service {
            log_fields: format!(
                r#""app":"{}","env":"{}","service":"{name}""#,
                table.app, table.environment
            ),
            release: table.release,
            upstream,
            counters: table
                .release
                .and_then(|release| counters(release, self.registry)),
        }
    }

    fn target(&mut self, target: &Target, counters: Option<Arc<CounterCells>>) -> Arc<TargetEntry> {
        let instance = self
            .registry
            .instances
            .get(&target.instance, target.address);
        self.keys.insert(instance.key);
        Arc::new(TargetEntry {
            instance,
            address: target.address,
            release: target.release,
            counters,
        })
    }
}

/// Compares tokens in a time that tells nothing but their length.
fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    let difference = left
        .iter()
        .zip(right)
        .fold(0, |difference, (left, right)| difference | (left ^ right));
    left.len() == right.len() && std::hint::black_box(difference) == 0
}
