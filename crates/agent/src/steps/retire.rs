//! Removes what no kept release needs: old trees, logs of their instances, their artifacts.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;

use landfall_model::{Cause, Digest, ReleaseNumber};
use landfall_runtime::InstanceState;
use landfall_store::{EnvironmentKey, InstancePhase, ReleaseRow};

use super::prepare::io_cause;
use crate::executor::{Context, internal_cause};
use crate::failpoint;
use crate::sources;
use crate::words::{count, size};
use crate::world::{World, store_cause};

/// Retires releases beyond the number that is kept.
///
/// # Errors
/// When something cannot be removed. The release stays live.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let keep = ctx.release()?.spec.keep_releases as usize;
    let live = ctx.plan.to;
    let releases = ctx.world.store.releases(&ctx.key).map_err(store_cause)?;
    let (kept, retired): (Vec<_>, Vec<_>) = releases.iter().partition(|row| row.retired.is_none());
    // The directory goes last: where it is left, retiring was cut short.
    let is_left = |number: &ReleaseNumber| {
        ctx.world
            .paths
            .release(&ctx.key.app, &ctx.key.environment, *number)
            .exists()
    };
    let number = |row: &ReleaseRow| row.release.number;
    let old: Vec<ReleaseNumber> = kept
        .into_iter()
        .map(number)
        .filter(|number| Some(*number) != live)
        .skip(keep)
        .chain(retired.into_iter().map(number).filter(is_left))
        .collect();
    for number in &old {
        retire(&ctx.world, &ctx.key, *number, keep).await?;
    }
    forget_stopped(&ctx.world, &ctx.key).await?;
    let freed = collect_garbage(&ctx.world).await?;
    Ok(format!(
        "retired {}, freed {} of content",
        count(old.len(), "release"),
        size(freed)
    ))
}

async fn retire(
    world: &World,
    key: &EnvironmentKey,
    number: ReleaseNumber,
    keep: usize,
) -> Result<(), Cause> {
    let rows = world.store.instances(key).map_err(store_cause)?;
    let of_release: Vec<_> = rows
        .into_iter()
        .filter(|row| row.release == number)
        .collect();
    if of_release
        .iter()
        .any(|row| row.phase != InstancePhase::Gone)
    {
        // A later release kept an instance of this one: its tree is in use.
        return Ok(());
    }
    let why = format!("{keep} releases are kept, and newer ones came");
    world
        .store
        .retire_release(key, number, &why)
        .map_err(store_cause)?;
    failpoint::hit("retired, not removed");
    for row in of_release {
        world
            .runtime
            .remove(&row.id)
            .await
            .map_err(internal_cause)?;
        world.store.delete_instance(&row.id).map_err(store_cause)?;
    }
    let dir = world.paths.release(&key.app, &key.environment, number);
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io_cause("remove", &dir, &error)),
        _ => Ok(()),
    }
}

/// Removes the records and logs of instances and tasks that ended and whose release is older than
/// every kept one: started and stopped again under a release that has long been retired.
async fn forget_stopped(world: &World, key: &EnvironmentKey) -> Result<(), Cause> {
    let releases = world.store.releases(key).map_err(store_cause)?;
    let kept = releases.iter().filter(|row| row.retired.is_none());
    let Some(oldest) = kept.map(|row| row.release.number).min() else {
        return Ok(());
    };
    for row in world.store.instances(key).map_err(store_cause)? {
        if row.release < oldest && row.phase == InstancePhase::Gone {
            let removed = world.runtime.remove(&row.id).await;
            removed.map_err(internal_cause)?;
            world.store.delete_instance(&row.id).map_err(store_cause)?;
        }
    }
    for status in world.runtime.list().await.map_err(internal_cause)? {
        let is_old_task = status.spec.owner.as_ref().is_some_and(|owner| {
            owner.task.is_some()
                && owner.app == key.app
                && owner.environment == key.environment
                && owner.release < oldest
        });
        if is_old_task && status.state == InstanceState::Exited {
            let removed = world.runtime.remove(&status.spec.id).await;
            removed.map_err(internal_cause)?;
        }
    }
    Ok(())
}

/// Removes trees, blobs and built images that no kept release of any environment needs; bytes
/// freed of content.
///
/// # Errors
/// When the store or the content store fails.
pub async fn collect_garbage(world: &World) -> Result<u64, Cause> {
    let mut keep: BTreeSet<Digest> = BTreeSet::new();
    for environment in world.store.environments().map_err(store_cause)? {
        let releases = world
            .store
            .releases(&environment.key)
            .map_err(store_cause)?;
        keep.extend(sources::laid_out(world, &environment.key));
        let kept = releases
            .iter()
            .filter(|row: &&ReleaseRow| row.retired.is_none());
        keep.extend(
            kept.flat_map(|row| row.release.artifacts.values())
                .map(|artifact| artifact.digest),
        );
    }
    for open in world.store.open_deployments().map_err(store_cause)? {
        let artifacts = open
            .release
            .into_iter()
            .flat_map(|release| release.artifacts);
        keep.extend(artifacts.map(|(_, artifact)| artifact.digest));
    }
    let freed = world.artifacts.collect_garbage(keep.clone()).await?;
    let built = world.store.built().map_err(store_cause)?;
    // Who deploys no containers needs no engine.
    if built.iter().any(Digest::is_image) {
        world.images.remove_except(&keep).await?;
    }
    world
        .store
        .forget_builds_except(&keep)
        .map_err(store_cause)?;
    Ok(freed)
}
