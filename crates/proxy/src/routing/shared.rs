//! What all workers share: the routing in force and the guard under which requests begin.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use landfall_model::InstanceId;
use landfall_model::env::Secret;
use landfall_model::snapshot::{Counters, SNAPSHOT_FORMAT, Snapshot};
use tokio::sync::{Notify, watch};

use super::counters::CounterRegistry;
use super::instances::Instances;
use super::{Lease, RouteEntry, Routing, Service, ServiceUpstream, TargetEntry};
use crate::access_log::LogSender;
use crate::fault::Fault;
use crate::limits::Limits;

/// Where the process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Serving.
    Serving = 0,
    /// Serving the connections it has, and asking clients to close them.
    LameDuck = 1,
    /// Closing connections as soon as they rest.
    Closing = 2,
}

/// State that outlives snapshots.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(super) instances: Instances,
    pub(super) counters: CounterRegistry,
}

/// Shared by all threads.
#[derive(Debug)]
pub(crate) struct Shared {
    routing: ArcSwap<Routing>,
    epoch: AtomicU64,
    changed: watch::Sender<u64>,
    registry: Mutex<Registry>,
    phase: AtomicU8,
    connections: AtomicUsize,
    /// Told when the last connection has ended.
    pub(crate) idle: Notify,
    /// Limits.
    pub(crate) limits: Limits,
    /// The access log.
    pub(crate) log: LogSender,
    started: Instant,
    counter_epoch: u64,
}

/// A request that may begin: registered, if it goes to an instance.
#[derive(Debug)]
pub(crate) struct Admission {
    /// The route.
    pub(crate) route: Arc<RouteEntry>,
    /// The instance; `None` when the route leads to files.
    pub(crate) lease: Option<Lease>,
    /// The epoch it was admitted in.
    pub(crate) epoch: u64,
}

/// A request that may not.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Why.
    pub(crate) fault: Fault,
    /// The route, if there was one.
    pub(crate) route: Option<Arc<RouteEntry>>,
}

impl Shared {
    /// Without routes.
    pub(crate) fn new(limits: Limits, log: LogSender, workers: usize) -> Self {
        let mut registry = Registry {
            instances: Instances::default(),
            counters: CounterRegistry::new(workers),
        };
        let since_1970 = std::time::SystemTime::UNIX_EPOCH.elapsed();
        Self {
            routing: ArcSwap::from_pointee(Routing::compile(empty_snapshot(), &mut registry)),
            epoch: AtomicU64::new(0),
            changed: watch::Sender::new(0),
            registry: Mutex::new(registry),
            phase: AtomicU8::new(Phase::Serving as u8),
            connections: AtomicUsize::new(0),
            idle: Notify::new(),
            limits,
            log,
            started: Instant::now(),
            counter_epoch: since_1970.map_or(0, |time| time.as_micros() as u64),
        }
    }

    /// Puts a snapshot in force: every request that begins after the return is routed by it.
    pub(crate) fn install(&self, snapshot: Snapshot) {
        let mut registry = self.registry();
        let routing = Arc::new(Routing::compile(snapshot, &mut registry));
        self.routing.store(routing.clone());
        let epoch = self.epoch.fetch_add(1, Ordering::SeqCst) + 1;
        registry
            .instances
            .prune(|instance| routing.has_instance(instance));
        registry.counters.prune();
        self.changed.send_replace(epoch);
    }

    /// The routing in force.
    pub(crate) fn routing(&self) -> arc_swap::Guard<Arc<Routing>> {
        self.routing.load()
    }

    /// Changes with every snapshot.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// To be told of snapshots.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Routes a request and registers it on an instance, as one step.
    ///
    /// The registration comes first and the epoch is read again after it, both sequentially
    /// consistent; [`Self::install`] bumps the epoch before it returns. So either this sees the
    /// new epoch and starts over, or whoever looks at in-flight counts after `install` sees the
    /// registration. No request can begin on an instance that is no longer there.
    pub(crate) fn admit(
        &self,
        tried: &[u64],
        find: impl Fn(&Routing) -> Result<Arc<RouteEntry>, Fault>,
    ) -> Result<Admission, Refusal> {
        loop {
            let epoch = self.epoch();
            let routing = self.routing();
            let route = find(&routing).map_err(|fault| Refusal { fault, route: None })?;
            let lease = match &route.service.upstream {
                ServiceUpstream::Files(_) => None,
                ServiceUpstream::Stopped => return Err(refuse(Fault::Stopped, route)),
                ServiceUpstream::Instances(targets) => match self.pick(targets, tried) {
                    Some(target) => Some(Lease::new(target.clone())),
                    None if self.epoch() != epoch => continue,
                    None if route.service.release.is_none() => {
                        return Err(refuse(Fault::Stopped, route));
                    }
                    None => return Err(refuse(Fault::NoInstance, route)),
                },
            };
            if self.epoch() == epoch {
                return Ok(Admission {
                    route,
                    lease,
                    epoch,
                });
            }
        }
    }

    /// As [`Self::admit`], for a connection to a stable address.
    pub(crate) fn admit_stream(&self, address: SocketAddr, tried: &[u64]) -> Option<Lease> {
        loop {
            let epoch = self.epoch();
            let routing = self.routing();
            let service: &Service = routing.service_at(address)?;
            let ServiceUpstream::Instances(targets) = &service.upstream else {
                return None;
            };
            let lease = Lease::new(self.pick(targets, tried)?.clone());
            if self.epoch() == epoch {
                return Some(lease);
            }
        }
    }

    /// The target with the fewest requests, ties broken at random. Targets that were set aside are
    /// taken only when there is no other.
    fn pick<'t>(
        &self,
        targets: &'t [Arc<TargetEntry>],
        tried: &[u64],
    ) -> Option<&'t Arc<TargetEntry>> {
        if let ([target], []) = (targets, tried) {
            return Some(target);
        }
        let now = self.millis();
        let first = fastrand::usize(..targets.len().max(1));
        let (after, before) = targets.split_at(first.min(targets.len()));
        before
            .iter()
            .chain(after)
            .filter(|target| !tried.contains(&target.instance.key))
            .min_by_key(|target| (target.instance.is_paused(now), target.instance.in_flight()))
    }

    /// Milliseconds since the process started.
    pub(crate) fn millis(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// The phase.
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Serving,
            1 => Phase::LameDuck,
            _ => Phase::Closing,
        }
    }

    /// Goes on to a later phase.
    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::SeqCst);
    }

    /// Requests under way by instance.
    pub(crate) fn in_flight(&self) -> BTreeMap<InstanceId, u64> {
        let mut registry = self.registry();
        let routing = self.routing();
        registry
            .instances
            .prune(|instance| routing.has_instance(instance));
        registry.instances.in_flight()
    }

    /// Instances set aside.
    pub(crate) fn paused(&self) -> Vec<InstanceId> {
        self.registry().instances.paused(self.millis())
    }

    /// What was counted.
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            epoch: self.counter_epoch,
            rows: self.registry().counters.rows(),
        }
    }

    /// A connection, of any kind, began.
    pub(crate) fn connection_began(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
    }

    /// A connection ended.
    pub(crate) fn connection_ended(&self) {
        if self.connections.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.idle.notify_waiters();
        }
    }

    /// Open connections.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refuse(fault: Fault, route: Arc<RouteEntry>) -> Refusal {
    Refusal {
        fault,
        route: Some(route),
    }
}

/// What is in force before the first snapshot.
pub(super) fn empty_snapshot() -> Snapshot {
    Snapshot {
        format: SNAPSHOT_FORMAT,
        generation: 0,
        http: Vec::new(),
        behind: Vec::new(),
        probe_token: Secret::new(""),
        tables: Vec::new(),
        candidates: Vec::new(),
    }
}
