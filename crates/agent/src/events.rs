//! Events of deployments: written to the store first, then told to whoever watches.

use std::sync::Arc;

use landfall_model::DeploymentId;
use landfall_model::event::Event;
use landfall_store::Store;
use tokio::sync::watch;

use crate::ports::Clock;

/// Writes events and wakes those who wait for them. Clones share one bell.
#[derive(Clone)]
pub struct Events {
    store: Store,
    clock: Arc<dyn Clock>,
    bell: Arc<watch::Sender<u64>>,
}

impl Events {
    /// Events of `store`.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            bell: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Writes an event. A failure is logged: telling what happens must not stop it.
    pub fn emit(&self, deployment: DeploymentId, event: Event) {
        match self
            .store
            .append_event(deployment, &event, self.clock.now())
        {
            Ok(number) => {
                self.bell.send_replace(number);
            }
            Err(error) => tracing::error!(%deployment, ?error, "failed to write an event"),
        }
    }

    /// Changes with every event of any deployment.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }
}
