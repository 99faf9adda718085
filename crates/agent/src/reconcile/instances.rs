//! Instances: those that should run are started again when they are lost, what others need first,
//! and those that nothing wants any more are stopped.

use std::collections::{BTreeMap, HashMap, HashSet};

use landfall_model::release::Release;
use landfall_model::{Cause, InstanceId};
use landfall_runtime::{InstanceState, InstanceStatus};
use landfall_store::{InstancePhase, InstanceRow};
use tokio::task::JoinHandle;

use crate::deployments::Deployments;
use crate::executor::internal_cause;
use crate::health;
use crate::instances::launch;
use crate::order::levels;
use crate::world::{World, store_cause};

/// What one look remembers for the next.
#[derive(Default)]
pub struct Seen {
    /// Instances that were started again, each with who waits until it is ready or cannot get so.
    returning: HashMap<InstanceId, JoinHandle<()>>,
    /// Instances for which something failed, so that it is not told twice a second.
    failing: HashSet<InstanceId>,
}

impl Seen {
    /// Whether an instance that runs has come back as far as it can.
    fn has_returned(&self, id: &InstanceId) -> bool {
        self.returning.get(id).is_none_or(JoinHandle::is_finished)
    }

    fn tell(&mut self, id: &InstanceId, done: Result<(), Cause>) {
        match done {
            Ok(()) => {
                self.failing.remove(id);
            }
            Err(cause) if self.failing.insert(id.clone()) => {
                tracing::error!(instance = %id, %cause, "failed to reconcile an instance, and will go on trying");
            }
            Err(_) => {}
        }
    }
}

/// Looks at every instance once.
///
/// # Errors
/// When the store or the runtime cannot be asked. What fails for one instance is logged.
pub async fn reconcile(
    world: &World,
    deployments: &Deployments,
    seen: &mut Seen,
) -> Result<(), Cause> {
    let statuses = world.runtime.list().await.map_err(internal_cause)?;
    let by_id: BTreeMap<InstanceId, InstanceStatus> = statuses
        .into_iter()
        .map(|status| (status.spec.id.clone(), status))
        .collect();
    let rows = world.store.all_instances().map_err(store_cause)?;
    // Asked after the rows were read: a deployment that began in between has no row among them.
    let active = deployments.active();
    seen.returning.retain(|_, waits| !waits.is_finished());
    for row in &rows {
        let status = by_id.get(&row.id);
        let done = match row.phase {
            InstancePhase::Serving if status.is_some_and(is_running) => Ok(()),
            InstancePhase::Serving => bring_back(world, row, &rows, &by_id, seen).await,
            InstancePhase::Gone => stop_if_running(world, row, status).await,
            // A deployment under way looks after its own.
            _ if active.contains(&row.key) => Ok(()),
            _ => put_away(world, row, status).await,
        };
        seen.tell(&row.id, done);
    }
    for (id, status) in &by_id {
        let known = rows.iter().any(|row| row.id == *id);
        let Some(owner) = status
            .spec
            .owner
            .as_ref()
            .filter(|owner| owner.task.is_none())
        else {
            continue;
        };
        let key = landfall_store::EnvironmentKey {
            app: owner.app.clone(),
            environment: owner.environment.clone(),
        };
        if !known && is_running(status) && !active.contains(&key) {
            tracing::warn!(instance = %id, "stopping an instance that nothing knows");
            let _ = world.runtime.stop(id, &status.spec.stop).await;
        }
    }
    Ok(())
}

fn is_running(status: &InstanceStatus) -> bool {
    !matches!(status.state, InstanceState::Exited | InstanceState::Lost)
}

/// Starts an instance that is lost, unless it has to wait for one that it needs.
async fn bring_back(
    world: &World,
    row: &InstanceRow,
    rows: &[InstanceRow],
    by_id: &BTreeMap<InstanceId, InstanceStatus>,
    seen: &mut Seen,
) -> Result<(), Cause> {
    let maker = world
        .store
        .deployment(row.deployment)
        .map_err(store_cause)?;
    let Some(release) = maker.release else {
        return Ok(());
    };
    let is_back = |other: &InstanceRow| {
        by_id.get(&other.id).is_some_and(is_running) && seen.has_returned(&other.id)
    };
    if needed(&release, row, rows).any(|other| !is_back(other)) {
        return Ok(());
    }
    if !seen.failing.contains(&row.id) {
        tracing::warn!(instance = %row.id, "an instance is gone without being asked; starting it");
    }
    let launch = launch(world, &release, row)?;
    let started = world.runtime.start(&launch.spec, &launch.env).await;
    started.map_err(internal_cause)?;
    let (world, row, id) = (world.clone(), row.clone(), row.id.clone());
    let waits = tokio::spawn(async move {
        if let Err(cause) = health::wait_again(&world, &release, &row).await {
            tracing::error!(instance = %row.id, %cause, "an instance is back and does not get ready");
        }
    });
    seen.returning.insert(id, waits);
    Ok(())
}

/// The serving instances of services that an instance's service needs, as its start has it.
fn needed<'a>(
    release: &Release,
    row: &'a InstanceRow,
    rows: &'a [InstanceRow],
) -> impl Iterator<Item = &'a InstanceRow> {
    let spec = &release.spec;
    let all: Vec<_> = spec.services.keys().cloned().collect();
    let levels = levels(spec, &all);
    let own = levels.iter().position(|level| level.contains(&row.service));
    let needs = spec.services.get(&row.service).map(|of| of.needs.clone());
    let mut needs = needs.unwrap_or_default();
    // Services that need each other would wait for ever.
    needs.retain(|need| {
        levels
            .iter()
            .take(own.unwrap_or(0))
            .any(|level| level.contains(need))
    });
    rows.iter().filter(move |other| {
        other.key == row.key
            && other.phase == InstancePhase::Serving
            && needs.contains(&other.service)
    })
}

async fn stop_if_running(
    world: &World,
    row: &InstanceRow,
    status: Option<&InstanceStatus>,
) -> Result<(), Cause> {
    match status.filter(|status| is_running(status)) {
        Some(status) => world
            .runtime
            .stop(&row.id, &status.spec.stop)
            .await
            .map_err(internal_cause),
        None => Ok(()),
    }
}

/// An instance of a deployment that has ended and left it behind.
async fn put_away(
    world: &World,
    row: &InstanceRow,
    status: Option<&InstanceStatus>,
) -> Result<(), Cause> {
    tracing::warn!(instance = %row.id, "putting away an instance that its deployment left");
    stop_if_running(world, row, status).await?;
    world
        .store
        .set_instance_phase(&row.id, InstancePhase::Gone)
        .map_err(store_cause)
}
