//! Puts snapshots in force, and reports on the whole: this process and a draining predecessor.

use std::sync::Arc;
use std::time::Duration;

use landfall_model::snapshot::{Ack, ProxyStatus, SNAPSHOT_FORMAT, Snapshot, Unbound};
use tokio::sync::{Mutex, watch};

use super::successor::Predecessor;
use crate::listeners::Listeners;
use crate::routing::Shared;
use crate::store::SnapshotFile;

/// How often addresses that could not be bound are tried again.
const REBIND: Duration = Duration::from_secs(1);

/// How often a process that is done asks whether its predecessor is too.
const ASK_PREDECESSOR: Duration = Duration::from_millis(500);

/// The one place that changes what is served.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) shared: Arc<Shared>,
    /// Held while anything changes, a take-over included.
    pub(crate) state: Mutex<State>,
    store: SnapshotFile,
    /// Becomes true when a successor serves.
    pub(super) handed_over: watch::Sender<bool>,
}

/// What a change changes besides routes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) listeners: Listeners,
    unbound: Vec<Unbound>,
    predecessor: Option<Predecessor>,
}

/// Why a snapshot was not put in force. The one before it still is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error("generation {offered} is older than {current}, which is in force")]
    Older { offered: u64, current: u64 },
    #[error("generation {0} is in force with other content")]
    Conflict(u64),
    #[error("write the snapshot to disk")]
    Store(#[source] std::io::Error),
    #[error("a successor serves now")]
    HandedOver,
}

/// Whether a snapshot's format is beyond this build.
pub(crate) fn is_too_new(format: u64) -> bool {
    format > u64::from(SNAPSHOT_FORMAT)
}

impl Control {
    pub(crate) fn new(
        shared: Arc<Shared>,
        listeners: Listeners,
        store: SnapshotFile,
        predecessor: Option<Predecessor>,
    ) -> Self {
        Self {
            shared,
            state: Mutex::new(State {
                listeners,
                unbound: Vec::new(),
                predecessor,
            }),
            store,
            handed_over: watch::Sender::new(false),
        }
    }

    /// Puts a snapshot in force. After the return every request is routed by it.
    pub(crate) async fn apply(&self, snapshot: Snapshot) -> Result<Ack, ApplyError> {
        let mut state = self.state.lock().await;
        if self.is_handed_over() {
            return Err(ApplyError::HandedOver);
        }
        let current = self.shared.routing().snapshot.clone();
        let generation = snapshot.generation;
        if generation < current.generation {
            return Err(ApplyError::Older {
                offered: generation,
                current: current.generation,
            });
        }
        if generation == current.generation {
            return if *current == snapshot {
                Ok(state.ack(generation))
            } else {
                Err(ApplyError::Conflict(generation))
            };
        }
        self.store.save(&snapshot).map_err(ApplyError::Store)?;
        self.shared.install(snapshot.clone());
        state.unbound = state.listeners.follow(&snapshot).await;
        for unbound in &state.unbound {
            tracing::error!(address = %unbound.address, reason = unbound.reason, "cannot listen on an address");
        }
        state.tell_predecessor(&snapshot).await;
        tracing::info!(generation, "a snapshot is in force");
        Ok(state.ack(generation))
    }

    /// Puts a successor's snapshot in force for what is still under way here, and at a predecessor.
    pub(super) async fn pass_on(&self, snapshot: Snapshot) {
        let mut state = self.state.lock().await;
        self.shared.install(snapshot.clone());
        state.tell_predecessor(&snapshot).await;
    }

    /// What this process does, and what a predecessor still has under way.
    pub(crate) async fn status(&self) -> ProxyStatus {
        let mut state = self.state.lock().await;
        let mut status = self.own_status(&state);
        if let Some(predecessor) = &mut state.predecessor {
            match predecessor.status().await {
                Ok(earlier) => {
                    for (instance, count) in earlier.in_flight {
                        *status.in_flight.entry(instance).or_default() += count;
                    }
                }
                Err(_) => state.predecessor = None,
            }
        }
        status
    }

    /// Tries again, for as long as the process lives, to listen where it was not possible.
    pub(crate) async fn keep_binding(&self) {
        let mut every = tokio::time::interval(REBIND);
        loop {
            every.tick().await;
            let mut state = self.state.lock().await;
            if !state.unbound.is_empty() && !self.is_handed_over() {
                let snapshot = self.shared.routing().snapshot.clone();
                state.unbound = state.listeners.follow(&snapshot).await;
            }
        }
    }

    /// Listens where the snapshot in force says.
    pub(crate) async fn listen(&self) {
        let mut state = self.state.lock().await;
        let snapshot = self.shared.routing().snapshot.clone();
        state.unbound = state.listeners.follow(&snapshot).await;
        for unbound in &state.unbound {
            tracing::error!(address = %unbound.address, reason = unbound.reason, "cannot listen on an address");
        }
    }

    /// Waits until a predecessor of this process is done as well: a successor reaches it only through
    /// this process.
    pub(crate) async fn predecessor_ended(&self) {
        let mut every = tokio::time::interval(ASK_PREDECESSOR);
        loop {
            every.tick().await;
            if self.state.lock().await.predecessor.is_none() {
                return;
            }
            self.status().await;
        }
    }

    /// To be told when a successor serves.
    pub(crate) fn handed_over(&self) -> watch::Receiver<bool> {
        self.handed_over.subscribe()
    }

    pub(crate) fn is_handed_over(&self) -> bool {
        *self.handed_over.borrow()
    }

    fn own_status(&self, state: &State) -> ProxyStatus {
        ProxyStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            generation: self.shared.routing().snapshot.generation,
            http: state.listeners.http(),
            in_flight: self.shared.in_flight(),
            ejected: self.shared.paused(),
        }
    }
}

impl State {
    fn ack(&self, generation: u64) -> Ack {
        Ack {
            generation,
            unbound: self.unbound.clone(),
        }
    }

    /// A predecessor that drains still routes requests of connections it has: it must not send them to
    /// instances that are gone.
    async fn tell_predecessor(&mut self, snapshot: &Snapshot) {
        if let Some(predecessor) = &mut self.predecessor
            && predecessor.apply(snapshot).await.is_err()
        {
            self.predecessor = None;
        }
    }
}
