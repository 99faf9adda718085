//! Instances: those that should run are started again when they are lost, and those that nothing
//! wants any more are stopped.

use std::collections::BTreeMap;

use landfall_model::{Cause, InstanceId};
use landfall_runtime::{InstanceState, InstanceStatus};
use landfall_store::{InstancePhase, InstanceRow};

use crate::deployments::Deployments;
use crate::executor::internal_cause;
use crate::instances::launch;
use crate::world::{World, store_cause};

/// Looks at every instance once.
///
/// # Errors
/// When the store or the runtime cannot be asked. What fails for one instance is logged.
pub async fn reconcile(world: &World, deployments: &Deployments) -> Result<(), Cause> {
    let statuses = world.runtime.list().await.map_err(internal_cause)?;
    let by_id: BTreeMap<InstanceId, InstanceStatus> = statuses
        .into_iter()
        .map(|status| (status.spec.id.clone(), status))
        .collect();
    let rows = world.store.all_instances().map_err(store_cause)?;
    // Asked after the rows were read: a deployment that began in between has no row among them.
    let active = deployments.active();
    for row in &rows {
        let status = by_id.get(&row.id);
        let done = match row.phase {
            InstancePhase::Serving => keep_running(world, row, status).await,
            InstancePhase::Gone => stop_if_running(world, row, status).await,
            // A deployment under way looks after its own.
            _ if active.contains(&row.key) => Ok(()),
            _ => put_away(world, row, status).await,
        };
        if let Err(cause) = done {
            tracing::error!(instance = %row.id, %cause, "failed to reconcile an instance");
        }
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

async fn keep_running(
    world: &World,
    row: &InstanceRow,
    status: Option<&InstanceStatus>,
) -> Result<(), Cause> {
    if status.is_some_and(is_running) {
        return Ok(());
    }
    let maker = world
        .store
        .deployment(row.deployment)
        .map_err(store_cause)?;
    let Some(release) = maker.release else {
        return Ok(());
    };
    tracing::warn!(instance = %row.id, "an instance is gone without being asked; starting it");
    let launch = launch(world, &release, row)?;
    world
        .runtime
        .start(&launch.spec, &launch.env)
        .await
        .map_err(internal_cause)
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
