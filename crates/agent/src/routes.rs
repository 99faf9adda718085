//! The one writer of route snapshots. What should be served is in the store; this brings the
//! proxy to it, and knows when it is there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use landfall_model::env::Secret;
use landfall_model::snapshot::{Ack, SNAPSHOT_FORMAT, Snapshot, Table, Target};
use landfall_model::{Cause, CauseKind, Network};
use landfall_runtime::Runtime;
use landfall_store::{Store, StoreError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::ports::{ProxyControl, ProxyError};
use crate::world::store_cause;

/// How long a proxy that just restarts is waited for. Its supervisor brings it back within a
/// second.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long an engine may take to tell where a container is. One that hangs must not keep routes
/// from others.
const ADDRESS_WITHIN: Duration = Duration::from_secs(1);
/// Time between attempts to reach it.
const RETRY: Duration = Duration::from_millis(50);

/// Brings the proxy to what the store says.
pub struct Routes {
    store: Store,
    proxy: Arc<dyn ProxyControl>,
    runtime: Arc<dyn Runtime>,
    http: SocketAddr,
    behind: Vec<Network>,
    probe_token: Secret,
    /// The snapshot in force as far as this agent knows. Held while a snapshot is on its way, so
    /// that two never overtake each other.
    applied: Mutex<Option<Snapshot>>,
}

impl Routes {
    /// Routes of `store` for `proxy`.
    pub fn new(
        store: Store,
        proxy: Arc<dyn ProxyControl>,
        runtime: Arc<dyn Runtime>,
        http: SocketAddr,
        probe_token: Secret,
    ) -> Self {
        Self {
            store,
            proxy,
            runtime,
            http,
            behind: Vec::new(),
            probe_token,
            applied: Mutex::new(None),
        }
    }

    /// The same behind web servers whose word about visitors is believed.
    #[must_use]
    pub fn behind(self, behind: Vec<Network>) -> Self {
        Self { behind, ..self }
    }

    /// Puts in force what the store says now; returns when every request follows it.
    ///
    /// # Errors
    /// When the proxy cannot be reached for 15 s, or refuses.
    pub async fn sync(&self) -> Result<Ack, Cause> {
        let mut applied = self.applied.lock().await;
        // Until the proxy acknowledges, what is in force is not what the store says: the
        // reconciler goes on should this fail.
        *applied = None;
        let snapshot = self.snapshot().await.map_err(store_cause)?;
        let ack = self.apply_patiently(&snapshot).await?;
        *applied = Some(snapshot);
        Ok(ack)
    }

    /// Puts in force what the store says, when the proxy is not there already, or when an instance
    /// is reached elsewhere than before. For the reconciler: gives up at once when the proxy cannot
    /// be reached.
    ///
    /// # Errors
    /// When the proxy cannot be reached, or refuses.
    pub async fn reconcile(&self) -> Result<(), Cause> {
        let mut applied = self.applied.lock().await;
        let in_force = self.proxy.status().await.map_err(proxy_cause)?.generation;
        if let Some(known) = applied
            .as_ref()
            .filter(|known| known.generation == in_force)
            && !self.has_moved(known).await
        {
            return Ok(());
        }
        let snapshot = self.snapshot().await.map_err(store_cause)?;
        self.proxy.apply(&snapshot).await.map_err(proxy_cause)?;
        tracing::info!(
            generation = snapshot.generation,
            "gave the proxy its routes"
        );
        *applied = Some(snapshot);
        Ok(())
    }

    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let environments = self.store.environments()?;
        let mut snapshot = Snapshot {
            format: SNAPSHOT_FORMAT,
            generation: self.store.next_generation()?,
            http: vec![self.http],
            behind: self.behind.clone(),
            probe_token: self.probe_token.clone(),
            tables: environments
                .into_iter()
                .filter_map(|row| row.routes)
                .collect(),
            candidates: self.store.candidates()?,
        };
        let candidates = snapshot.candidates.iter_mut().map(|c| &mut c.table);
        for table in snapshot.tables.iter_mut().chain(candidates) {
            for target in table.targets_mut() {
                if let Some(address) = self.moved(target).await {
                    target.address = address;
                }
            }
        }
        Ok(snapshot)
    }

    /// Whether any target of a snapshot is reached elsewhere now.
    async fn has_moved(&self, known: &Snapshot) -> bool {
        for target in known.tables.iter().flat_map(Table::targets) {
            if self.moved(target).await.is_some() {
                return true;
            }
        }
        false
    }

    /// Where a target is reached now, where that is not what it says. What listens on loopback
    /// stays where it is; a container may have another address after each of its starts.
    async fn moved(&self, target: &Target) -> Option<SocketAddr> {
        if target.address.ip().is_loopback() {
            return None;
        }
        let asked = tokio::time::timeout(ADDRESS_WITHIN, self.runtime.address(&target.instance));
        let now = asked.await.ok()?.ok().flatten();
        now.filter(|now| *now != target.address)
    }

    async fn apply_patiently(&self, snapshot: &Snapshot) -> Result<Ack, Cause> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.proxy.apply(snapshot).await {
                Ok(ack) => return Ok(ack),
                Err(error @ ProxyError::Unreachable(_)) if Instant::now() < deadline => {
                    tracing::warn!(%error, "waiting for the proxy");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return Err(proxy_cause(error)),
            }
        }
    }
}

/// A cause for a proxy that does not do what it is asked.
pub fn proxy_cause(error: ProxyError) -> Cause {
    Cause::new(CauseKind::ProxyUnavailable, error.to_string())
        .with_fix("see `landfall agent status`; the agent starts the proxy again by itself")
}
