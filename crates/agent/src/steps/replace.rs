//! Replaces services that must not overlap: the old instances stop, then the new ones start.

use std::collections::BTreeSet;

use landfall_model::plan::{Action, StepName};
use landfall_model::{Cause, ServiceName};
use landfall_store::{InstancePhase, InstanceRow};

use super::adopt;
use super::start::{start_instance, stop_instance};
use crate::executor::Context;
use crate::health;
use crate::instances;
use crate::order::needed;
use crate::words::count;
use crate::world::store_cause;

/// Replaces each such service in turn.
///
/// # Errors
/// When a new instance does not get ready.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let release = ctx.release()?.clone();
    let lines = ctx.lines(|line| line.action == Action::ReplaceStopFirst);
    for line in &lines {
        for row in old_instances(ctx, &line.stop)? {
            ctx.progress(StepName::Replace, format!("stopping {}", row.id));
            // Otherwise the reconciler takes it for one that died, and starts it again.
            set_phase(ctx, &row, InstancePhase::Draining)?;
            let stop = crate::steps::drain::stop_spec(ctx, &row);
            let stopped = ctx.world.runtime.stop(&row.id, &stop).await;
            stopped.map_err(crate::executor::internal_cause)?;
        }
        adopt::stop_before(ctx, &line.service).await?;
        let own = ctx.own_instances()?;
        for row in own.iter().filter(|row| row.service == line.service) {
            start_instance(ctx, row).await?;
            health::wait_ready(&ctx.world, &release, row).await?;
        }
        adopt::make_known(ctx, &line.service).await?;
    }
    let replaced: BTreeSet<_> = lines.iter().map(|line| line.service.clone()).collect();
    let others = wait_for_those_that_need(ctx, &replaced).await?;
    let replaced = count(lines.len(), "service");
    Ok(match others {
        0 => format!("replaced {replaced} stop-first"),
        others => format!(
            "replaced {replaced} stop-first, {} that need it ready again",
            count(others, "instance")
        ),
    })
}

/// Waits until what runs on and needs these services is ready again: it may have lost its
/// connections to them, and need a moment to make new ones. How many instances there are.
///
/// # Errors
/// When one does not get ready.
async fn wait_for_those_that_need(
    ctx: &Context,
    replaced: &BTreeSet<ServiceName>,
) -> Result<usize, Cause> {
    let spec = &ctx.release()?.spec;
    let needs_one = |name: &ServiceName| {
        let needed = needed(spec, [name.clone()].into_iter());
        !replaced.contains(name) && !needed.is_disjoint(replaced)
    };
    let stops: BTreeSet<_> = ctx.plan.stops().collect();
    let rows = ctx.world.store.instances(&ctx.key).map_err(store_cause)?;
    let runs_on = |row: &&InstanceRow| {
        let is_new = row.deployment == ctx.id && row.phase == InstancePhase::Planned;
        (is_new || row.phase == InstancePhase::Serving) && !stops.contains(&row.id)
    };
    let rows: Vec<&InstanceRow> = rows
        .iter()
        .filter(runs_on)
        .filter(|row| needs_one(&row.service))
        .collect();
    for row in &rows {
        let maker = ctx.world.store.deployment(row.deployment);
        if let Some(release) = maker.map_err(store_cause)?.release {
            health::wait_again(&ctx.world, &release, row).await?;
        }
    }
    Ok(rows.len())
}

/// Stops the new instances and starts the old ones again.
///
/// # Errors
/// When an old instance does not come back.
pub async fn undo(ctx: &mut Context) -> Result<bool, Cause> {
    let lines = ctx.lines(|line| line.action == Action::ReplaceStopFirst);
    for line in &lines {
        let own = ctx.own_instances()?;
        for row in own.iter().filter(|row| row.service == line.service) {
            stop_instance(ctx, row).await?;
        }
        adopt::start_again(ctx, &line.service).await?;
        // Should one not come back now, the reconciler goes on trying.
        let old = old_instances(ctx, &line.stop)?;
        for row in &old {
            set_phase(ctx, row, InstancePhase::Serving)?;
        }
        for row in &old {
            restart_old(ctx, row).await?;
        }
    }
    Ok(!lines.is_empty())
}

fn set_phase(ctx: &Context, row: &InstanceRow, phase: InstancePhase) -> Result<(), Cause> {
    let store = &ctx.world.store;
    store
        .set_instance_phase(&row.id, phase)
        .map_err(store_cause)
}

/// Makes sure that an instance of the old release runs and is ready.
///
/// # Errors
/// When it does not come back.
pub async fn restart_old(ctx: &Context, row: &InstanceRow) -> Result<(), Cause> {
    let maker = ctx
        .world
        .store
        .deployment(row.deployment)
        .map_err(store_cause)?;
    let Some(release) = maker.release else {
        return Ok(());
    };
    let launch = instances::launch(&ctx.world, &release, row)?;
    ctx.world
        .runtime
        .start(&launch.spec, &launch.env)
        .await
        .map_err(crate::executor::internal_cause)?;
    health::wait_again(&ctx.world, &release, row)
        .await
        .map(drop)
}

/// Rows of instances that the plan takes away and that are not gone.
///
/// # Errors
/// When the store fails.
pub fn old_instances(
    ctx: &Context,
    ids: &[landfall_model::InstanceId],
) -> Result<Vec<InstanceRow>, Cause> {
    let rows = ctx.world.store.instances(&ctx.key).map_err(store_cause)?;
    let wanted = |row: &InstanceRow| ids.contains(&row.id) && row.phase != InstancePhase::Gone;
    Ok(rows.into_iter().filter(wanted).collect())
}
