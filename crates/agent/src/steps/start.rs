//! Starts the new instances of services that may overlap, in the order of their needs.

use std::collections::BTreeSet;

use landfall_model::plan::{Action, StepName};
use landfall_model::{Cause, ServiceName};
use landfall_runtime::RuntimeError;
use landfall_store::{InstancePhase, InstanceRow};

use super::prepare::starts_early;
use crate::executor::Context;
use crate::failpoint;
use crate::health;
use crate::instances;
use crate::order::{levels, stop_groups};
use crate::words::count;
use crate::world::{chain, disk_full, store_cause};

/// Starts everything that the plan starts before the switch. A service that others need is
/// waited for before they start.
///
/// # Errors
/// When an instance cannot be started, or one that others need does not get ready.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let early = ctx.lines(|line| line.start > 0 && starts_early(line.action));
    let early = early.into_iter().map(|line| line.service).collect();
    let started = start_in_order(ctx, early, false).await?;
    Ok(format!("started {}", count(started, "instance")))
}

/// Starts those of the services that have no instance yet, and waits until they are ready: for what
/// comes before the rest and asks them.
///
/// # Errors
/// When one cannot be started or does not get ready.
pub async fn start_new(ctx: &Context, among: &BTreeSet<ServiceName>) -> Result<(), Cause> {
    let new = ctx.lines(|line| line.start > 0 && line.action == Action::Start);
    let new = new.into_iter().map(|line| line.service);
    let new = new.filter(|service| among.contains(service)).collect();
    start_in_order(ctx, new, true).await.map(drop)
}

/// Starts services, what others of them need first; how many instances there are. The last ones are
/// waited for where that is asked.
async fn start_in_order(
    ctx: &Context,
    services: Vec<ServiceName>,
    waits_for_last: bool,
) -> Result<usize, Cause> {
    let release = ctx.release()?.clone();
    let rows = ctx.own_instances()?;
    let levels = levels(&release.spec, &services);
    let mut started = 0;
    for (index, level) in levels.iter().enumerate() {
        let of_level: Vec<&InstanceRow> = rows
            .iter()
            .filter(|row| level.contains(&row.service))
            .collect();
        for row in &of_level {
            start_instance(ctx, row).await?;
            started += 1;
        }
        if index + 1 < levels.len() || waits_for_last {
            for row in of_level {
                health::wait_ready(&ctx.world, &release, row).await?;
            }
        }
    }
    Ok(started)
}

/// Starts an instance that is written down.
///
/// # Errors
/// When it cannot be started.
pub async fn start_instance(ctx: &Context, row: &InstanceRow) -> Result<(), Cause> {
    let launch = instances::launch(&ctx.world, ctx.release()?, row)?;
    failpoint::hit("before an instance starts");
    ctx.world
        .runtime
        .start(&launch.spec, &launch.env)
        .await
        .map_err(start_cause)?;
    failpoint::hit("instance started");
    let port = row
        .port
        .map(|port| format!(" on port {port}"))
        .unwrap_or_default();
    ctx.progress(StepName::Start, format!("started {}{port}", row.id));
    Ok(())
}

/// A cause for an instance that could not be started at all.
pub fn start_cause(error: RuntimeError) -> Cause {
    use landfall_model::CauseKind;
    let text = chain(&error);
    if text.contains("No space left") {
        return disk_full(text);
    }
    Cause::new(CauseKind::ExitedAtStart, text)
}

/// Stops and forgets every instance of this deployment.
///
/// # Errors
/// When one cannot be stopped.
pub async fn undo(ctx: &mut Context) -> Result<bool, Cause> {
    let rows = ctx.own_instances()?;
    stop_instances(ctx, &rows).await?;
    Ok(!rows.is_empty())
}

/// Stops instances of this deployment, each before those of the services that it needs.
///
/// # Errors
/// When one cannot be stopped. The others are stopped all the same.
pub async fn stop_instances(ctx: &Context, rows: &[InstanceRow]) -> Result<(), Cause> {
    let release = ctx.release.as_ref();
    let mut failure = Ok(());
    for group in stop_groups(release.map(|release| &release.spec), rows) {
        let stops = group.into_iter().map(|row| stop_instance(ctx, row));
        for stopped in futures_util::future::join_all(stops).await {
            failure = failure.and(stopped);
        }
    }
    failure
}

/// Stops an instance of this deployment; its log stays until its release goes.
///
/// # Errors
/// When it cannot be stopped.
pub async fn stop_instance(ctx: &Context, row: &InstanceRow) -> Result<(), Cause> {
    let stop = crate::steps::drain::stop_spec(ctx, row);
    ctx.world
        .runtime
        .stop(&row.id, &stop)
        .await
        .map_err(crate::executor::internal_cause)?;
    ctx.world
        .store
        .set_instance_phase(&row.id, InstancePhase::Gone)
        .map_err(store_cause)?;
    Ok(())
}
