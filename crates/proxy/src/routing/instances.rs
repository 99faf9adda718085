//! Instances as the proxy knows them: how many requests each has, and whether it is set aside.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use landfall_model::InstanceId;

use super::TargetEntry;

/// First pause of an instance that refuses connections; doubles with every failure after it.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An instance at an address. Lives as long as a snapshot or a request refers to it.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Its id.
    pub(crate) id: InstanceId,
    /// Unique in this process, also for an instance that comes back at another address.
    pub(crate) key: u64,
    in_flight: AtomicU64,
    failures: AtomicU32,
    /// In milliseconds of [`super::Shared::millis`].
    paused_until: AtomicU64,
}

impl Instance {
    fn new(id: InstanceId, key: u64) -> Self {
        Self {
            id,
            key,
            in_flight: AtomicU64::new(0),
            failures: AtomicU32::new(0),
            paused_until: AtomicU64::new(0),
        }
    }

    /// Requests and streams under way.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Whether it is set aside at `now`.
    pub(crate) fn is_paused(&self, now: u64) -> bool {
        self.paused_until.load(Ordering::Relaxed) > now
    }

    /// It refused a connection: set it aside, longer each time.
    pub(crate) fn pause(&self, now: u64) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(10);
        let pause = (FIRST_PAUSE * 2u32.pow(failures)).min(LONGEST_PAUSE);
        self.paused_until
            .store(now + pause.as_millis() as u64, Ordering::Relaxed);
    }

    /// It accepted a connection.
    pub(crate) fn resume(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.paused_until.store(0, Ordering::Relaxed);
        }
    }
}

/// One request or stream registered on a target until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    target: Arc<TargetEntry>,
}

impl Lease {
    /// Registers. Sequentially consistent, see [`super::Shared::admit`].
    pub(super) fn new(target: Arc<TargetEntry>) -> Self {
        target.instance.in_flight.fetch_add(1, Ordering::SeqCst);
        Self { target }
    }

    /// What it is registered on.
    pub(crate) fn target(&self) -> &Arc<TargetEntry> {
        &self.target
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.target
            .instance
            .in_flight
            .fetch_sub(1, Ordering::SeqCst);
    }
}

/// All instances of the snapshot in force, and earlier ones that still have requests.
#[derive(Debug, Default)]
pub(super) struct Instances {
    known: HashMap<(InstanceId, SocketAddr), Arc<Instance>>,
    last_key: u64,
}

impl Instances {
    /// The instance at this address, the same for as long as it is known.
    pub(super) fn get(&mut self, id: &InstanceId, address: SocketAddr) -> Arc<Instance> {
        let key = (id.clone(), address);
        if let Some(instance) = self.known.get(&key) {
            return instance.clone();
        }
        self.last_key += 1;
        let instance = Arc::new(Instance::new(id.clone(), self.last_key));
        self.known.insert(key, instance.clone());
        instance
    }

    /// Forgets instances that are in no snapshot and have no requests.
    pub(super) fn prune(&mut self, is_current: impl Fn(u64) -> bool) {
        self.known
            .retain(|_, instance| is_current(instance.key) || instance.in_flight() > 0);
    }

    /// Requests under way by instance.
    pub(super) fn in_flight(&self) -> BTreeMap<InstanceId, u64> {
        let mut counts = BTreeMap::new();
        for instance in self.known.values() {
            *counts.entry(instance.id.clone()).or_default() += instance.in_flight();
        }
        counts
    }

    /// Instances set aside at `now`.
    pub(super) fn paused(&self, now: u64) -> Vec<InstanceId> {
        let mut paused: Vec<_> = self
            .known
            .values()
            .filter(|instance| instance.is_paused(now))
            .map(|instance| instance.id.clone())
            .collect();
        paused.sort();
        paused.dedup();
        paused
    }
}
