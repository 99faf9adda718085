//! Removes an environment: its routes, releases, instances and files. Its history stays, and so do
//! its release numbers, should anything be deployed to it again.
//!
//! Everything is idempotent: what was cut short is finished by asking again.

use std::fs;
use std::io::ErrorKind;

use landfall_model::{Cause, CauseKind};
use landfall_store::{EnvironmentKey, InstancePhase, OperationRow};

use crate::api::types::Removed;
use crate::deployments::Deployments;
use crate::executor::internal_cause;
use crate::failpoint;
use crate::steps::prepare::io_cause;
use crate::steps::retire::collect_garbage;
use crate::words::{count, size};
use crate::world::{World, store_cause};

/// Removes an environment in which nothing runs any more.
///
/// # Errors
/// When something still runs or is deployed, or a file or record cannot be removed.
pub async fn remove(
    world: &World,
    deployments: &Deployments,
    key: &EnvironmentKey,
    by: &str,
) -> Result<Removed, Cause> {
    let _reserved = deployments.reserve(key)?;
    let rows = world.store.instances(key).map_err(store_cause)?;
    if let Some(row) = rows.iter().find(|row| row.phase != InstancePhase::Gone) {
        let message = format!("{} of {key} still runs", row.service);
        return Err(Cause::new(CauseKind::Refused, message).with_fix("`landfall stop` first"));
    }
    let releases = world.store.releases(key).map_err(store_cause)?;
    let kept = releases.iter().filter(|row| row.retired.is_none()).count();
    let why = format!("{key} was removed by {by}");
    world
        .store
        .clear_environment(key, &why)
        .map_err(store_cause)?;
    failpoint::hit("environment cleared, not removed");
    world.routes.sync().await?;
    forget_instances(world, key).await?;
    let dir = world.paths.environment(&key.app, &key.environment);
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(io_cause("remove", &dir, &error));
        }
        _ => {}
    }
    let freed = collect_garbage(world).await?;
    let operation = OperationRow {
        at: world.now(),
        by: by.to_owned(),
        what: "removed the environment".into(),
        ok: true,
        result: format!("{}, {} of content", count(kept, "release"), size(freed)),
    };
    let written = world.store.insert_operation(key, &operation);
    written.map_err(store_cause)?;
    Ok(Removed {
        releases: kept as u64,
        bytes: freed,
    })
}

/// Records and logs of instances and of tasks, and what their containers shared.
async fn forget_instances(world: &World, key: &EnvironmentKey) -> Result<(), Cause> {
    let mut had_containers = false;
    for status in world.runtime.list().await.map_err(internal_cause)? {
        let owner = status.spec.owner.as_ref();
        if owner.is_some_and(|o| o.app == key.app && o.environment == key.environment) {
            let id = &status.spec.id;
            let stopped = world.runtime.stop(id, &status.spec.stop).await;
            stopped.map_err(internal_cause)?;
            world.runtime.remove(id).await.map_err(internal_cause)?;
            had_containers |= status.spec.run.container().is_some();
        }
    }
    if had_containers {
        let removed = world.runtime.remove_shared(&key.app, &key.environment);
        removed.await.map_err(internal_cause)?;
    }
    for row in world.store.instances(key).map_err(store_cause)? {
        world.store.delete_instance(&row.id).map_err(store_cause)?;
    }
    Ok(())
}
