//! The simulated proxy: the snapshot in force, what is under way, and what it counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use landfall_agent::ports::{ProxyControl, ProxyError};
use landfall_model::snapshot::{
    Ack, CounterRow, Counters, LATENCY_BUCKETS_US, ProxyStatus, Snapshot, Table, Target, Upstream,
};
use landfall_model::{InstanceId, ReleaseNumber, ServiceName};

use super::faults::Injected;
use super::host::{Host, State};
use super::instance::FakeInstance;

/// How long users' requests take at most: an instance that loses its routes has some under way for
/// this long.
pub(super) const REQUEST: Duration = Duration::from_millis(300);
/// Users' requests per second and service.
const RATE: u64 = 400;

/// What the proxy knows. A restart forgets counts, never the snapshot.
#[derive(Clone, Default)]
pub(super) struct ProxyState {
    pub snapshot: Option<Snapshot>,
    /// When instances of earlier snapshots lost their routes.
    pub left: BTreeMap<InstanceId, Duration>,
    /// Until when it does not run, and users wait for it.
    pub down_until: Duration,
    epoch: u64,
    served_until: Duration,
    counts: BTreeMap<(String, ServiceName, ReleaseNumber), [u64; 2]>,
}

impl ProxyState {
    pub fn tables(&self) -> &[Table] {
        self.snapshot.as_ref().map_or(&[], |s| &s.tables)
    }

    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        let upstreams = self
            .tables()
            .iter()
            .flat_map(|table| table.services.values());
        upstreams.flat_map(|upstream| match upstream {
            Upstream::Instances(targets) => targets.as_slice(),
            Upstream::Files(_) => &[],
        })
    }

    pub fn under_way(&self, id: &InstanceId, now: Duration) -> bool {
        let is_target = self.targets().any(|target| target.instance == *id);
        is_target || self.left.get(id).is_some_and(|left| now < *left + REQUEST)
    }

    fn take(&mut self, snapshot: Snapshot, now: Duration) {
        let ids = |proxy: &Self| -> BTreeSet<InstanceId> {
            proxy
                .targets()
                .map(|target| target.instance.clone())
                .collect()
        };
        let before = ids(self);
        self.snapshot = Some(snapshot);
        let after = ids(self);
        for id in before.difference(&after) {
            self.left.insert(id.clone(), now);
        }
        self.left.retain(|id, _| !after.contains(id));
    }

    /// Counts what users asked since the last look.
    pub fn serve_users(&mut self, instances: &BTreeMap<InstanceId, FakeInstance>, now: Duration) {
        let begin = self.served_until.max(self.down_until.min(now));
        let requests = now.saturating_sub(begin).as_millis() as u64 * RATE / 1000;
        if requests == 0 {
            return;
        }
        self.served_until = now;
        let mut counts = std::mem::take(&mut self.counts);
        for table in self.tables() {
            for (service, upstream) in &table.services {
                let Upstream::Instances(targets) = upstream else {
                    continue;
                };
                for target in targets {
                    let fails = instances
                        .get(&target.instance)
                        .is_none_or(|i| i.behaviour.fails_users || !i.is_up(now));
                    let key = (table.app.to_string(), service.clone(), target.release);
                    let count = counts.entry(key).or_default();
                    count[usize::from(fails)] += requests / targets.len() as u64;
                }
            }
        }
        self.counts = counts;
    }

    fn counters(&self) -> Counters {
        let environment = self.tables().first().map(|table| table.environment.clone());
        let row = |(key, [good, bad]): (&(String, ServiceName, ReleaseNumber), &[u64; 2])| {
            let mut latency = vec![0; LATENCY_BUCKETS_US.len() + 1];
            latency[3] = good + bad;
            Some(CounterRow {
                app: key.0.parse().ok()?,
                environment: environment.clone()?,
                service: key.1.clone(),
                release: key.2,
                by_class: [0, *good, 0, 0, *bad],
                proxy_errors: 0,
                latency,
            })
        };
        Counters {
            epoch: self.epoch,
            rows: self.counts.iter().filter_map(row).collect(),
        }
    }
}

impl State {
    fn status(&self, now: Duration) -> ProxyStatus {
        let busy = |id: &&InstanceId| self.proxy.under_way(id, now);
        let ids = self.instances.keys().filter(busy);
        ProxyStatus {
            version: "simulated".into(),
            pid: 1,
            generation: self.proxy.snapshot.as_ref().map_or(0, |s| s.generation),
            http: Vec::new(),
            in_flight: ids.map(|id| (id.clone(), 1)).collect(),
            ejected: Vec::new(),
        }
    }
}

impl Host {
    /// Has the proxy restart, and be away for `down`. Users wait for it.
    pub fn restart_proxy(&self, down: Duration) {
        let now = self.now();
        let mut state = self.state();
        state.proxy.down_until = now + down;
        state.proxy.epoch += 1;
        state.proxy.counts.clear();
        state.proxy.left.clear();
    }

    /// The snapshot in force.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.state().proxy.snapshot.clone()
    }
}

/// The agent's side of the proxy.
pub struct FakeProxy(pub Arc<Host>);

fn injected(injected: Injected) -> ProxyError {
    match injected.refuses {
        true => ProxyError::Refused(Injected::MESSAGE.into()),
        false => ProxyError::Unreachable(Injected::MESSAGE.into()),
    }
}

impl FakeProxy {
    fn reach(&self) -> Result<(), ProxyError> {
        let now = self.0.now();
        match self.0.state().proxy.down_until > now {
            true => Err(ProxyError::Unreachable("it restarts".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl ProxyControl for FakeProxy {
    async fn apply(&self, snapshot: &Snapshot) -> Result<Ack, ProxyError> {
        let call = self.0.enter("apply").map_err(injected)?;
        self.reach()?;
        let now = self.0.now();
        {
            let mut state = self.0.state();
            let in_force = state.proxy.snapshot.as_ref().map_or(0, |s| s.generation);
            if snapshot.generation < in_force {
                let message = format!("generation {in_force} is in force");
                return Err(ProxyError::Refused(message));
            }
            state.proxy.take(snapshot.clone(), now);
        }
        self.0.leave(call, "applied").map_err(injected)?;
        Ok(Ack {
            generation: snapshot.generation,
            unbound: Vec::new(),
        })
    }

    async fn status(&self) -> Result<ProxyStatus, ProxyError> {
        self.0.enter("proxy status").map_err(injected)?;
        self.reach()?;
        let now = self.0.now();
        Ok(self.0.state().status(now))
    }

    async fn counters(&self) -> Result<Counters, ProxyError> {
        self.0.enter("counters").map_err(injected)?;
        self.reach()?;
        Ok(self.0.state().proxy.counters())
    }
}
