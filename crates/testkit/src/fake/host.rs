//! The simulated host: what outlives an agent, and its time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use landfall_model::{Digest, InstanceId, ServiceName};
use tokio::sync::watch;
use tokio::time::Instant;

use super::behaviour::Behaviour;
use super::compose::Projects;
use super::faults::Faults;
use super::instance::FakeInstance;
use super::proxy::ProxyState;

/// A simulated host.
pub struct Host {
    state: Mutex<State>,
    faults: Mutex<Faults>,
    /// When this host was switched on, by the clock of the runtime that the agent runs in.
    epoch: Mutex<Option<Instant>>,
    bell: watch::Sender<u64>,
}

/// All that is on the host and not on its disk.
#[derive(Clone, Default)]
pub(super) struct State {
    /// What the time was when the host was switched on.
    pub begun: Duration,
    /// Starts of agents so far.
    pub starts: u64,
    pub instances: BTreeMap<InstanceId, FakeInstance>,
    pub proxy: ProxyState,
    pub trees: BTreeSet<Digest>,
    /// Services that someone stopped, whose routes may be without an instance.
    pub may_be_stopped: BTreeSet<ServiceName>,
    pub violations: Vec<String>,
    pub projects: Projects,
}

impl Default for Host {
    fn default() -> Self {
        Self::with(State::default())
    }
}

impl Host {
    /// A host on which nothing runs.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn with(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            faults: Mutex::default(),
            epoch: Mutex::new(None),
            bell: watch::Sender::new(0),
        }
    }

    /// Time since the begin of the simulation. Runs in the runtime that asks first.
    pub fn now(&self) -> Duration {
        let begun = lock(&self.state).begun;
        begun + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        let mut epoch = lock(&self.epoch);
        epoch.get_or_insert_with(Instant::now).elapsed()
    }

    /// What is, brought up to the present.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let elapsed = self.elapsed();
        let mut state = lock(&self.state);
        let now = state.begun + elapsed;
        state.settle(now);
        state
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    /// Says that something changed for a reason other than the time.
    pub(super) fn ring(&self) {
        self.bell.send_modify(|changes| *changes += 1);
    }

    pub(super) fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    /// A number that differs between the starts of agents on one host, and not between runs.
    pub fn seed(&self) -> u64 {
        let mut state = lock(&self.state);
        state.starts += 1;
        state.starts
    }

    /// What users suffered that they must not.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.state).violations.clone()
    }

    /// Says that these services are stopped on purpose now, or about to be.
    pub fn may_be_stopped(&self, services: impl IntoIterator<Item = ServiceName>) {
        lock(&self.state).may_be_stopped = services.into_iter().collect();
    }

    /// Ends the process of an instance from outside. Its shim lives and restarts it, unless
    /// `with_shim`.
    pub fn kill(&self, id: &InstanceId, with_shim: bool) {
        let now = self.now();
        if let Some(instance) = self.state().instances.get_mut(id) {
            instance.kill(now, with_shim);
        }
        self.ring();
    }

    /// Makes instances of a service behave otherwise from now on.
    pub fn change(&self, service: &str, change: impl Fn(&mut Behaviour)) {
        for instance in self.state().instances.values_mut() {
            let owner = instance.spec.owner.as_ref();
            if owner.is_some_and(|owner| owner.service.as_str() == service) {
                change(&mut instance.behaviour);
            }
        }
        self.ring();
    }

    /// Instances that run, tasks included, by id.
    pub fn running(&self) -> BTreeMap<InstanceId, landfall_runtime::InstanceSpec> {
        let state = self.state();
        let running = state.instances.values().filter(|i| i.is_supervised());
        running
            .map(|i| (i.spec.id.clone(), i.spec.clone()))
            .collect()
    }

    /// What every instance does, without its age: equal words are equal to an agent that starts.
    pub fn describe(&self) -> BTreeMap<InstanceId, String> {
        let now = self.now();
        let state = self.state();
        let describe = |i: &FakeInstance| {
            let busy = state.proxy.under_way(&i.spec.id, now);
            let what = (
                i.is_supervised(),
                i.is_ready(now),
                i.stopping.is_some(),
                busy,
            );
            format!("{what:?}")
        };
        let all = state.instances.values();
        all.map(|i| (i.spec.id.clone(), describe(i))).collect()
    }

    /// Whether an instance is up and answers as it should.
    pub fn is_ready(&self, id: &InstanceId) -> bool {
        let now = self.now();
        let state = self.state();
        state.instances.get(id).is_some_and(|i| i.is_ready(now))
    }
}

impl State {
    fn settle(&mut self, now: Duration) {
        for instance in self.instances.values_mut() {
            instance.settle(now);
        }
        self.proxy.serve_users(&self.instances, now);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
