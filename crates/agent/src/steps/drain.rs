//! Waits for requests on the old instances, then stops them.

use std::time::Duration;

use landfall_model::Cause;
use landfall_model::plan::StepName;
use landfall_model::spec::StopSpec;
use landfall_runtime::ExitReason;
use landfall_store::{InstancePhase, InstanceRow};
use tokio::time::Instant;

use crate::executor::Context;
use crate::failpoint;
use crate::order::stop_groups;
use crate::steps::adopt;
use crate::steps::replace::old_instances;
use crate::words::count;
use crate::world::store_cause;

/// Time between looks at what is still under way.
const LOOK: Duration = Duration::from_millis(50);
/// How long the proxy may give no answer before it counts as gone, and what went through it with
/// it. Its supervisor brings it back within a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// Drains and stops everything that the plan takes away.
///
/// # Errors
/// When an instance, or a container whose place was taken, cannot be stopped.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let stops: Vec<_> = ctx.plan.stops().cloned().collect();
    let rows = old_instances(ctx, &stops)?;
    let cut = drain_instances(ctx, &rows).await?;
    let adopted = adopt::finish(ctx).await?;
    let mut stopped = format!("stopped {}", count(rows.len(), "instance"));
    if adopted > 0 {
        let containers = count(adopted, "container");
        stopped = format!("{stopped} and {containers} of the Compose project");
    }
    Ok(match cut {
        0 => format!("{stopped}, nothing was cut off"),
        cut => format!("{stopped}, {cut} requests or streams outlived the drain time"),
    })
}

/// Waits until the proxy has nothing under way on these instances, at most the drain time, then
/// stops them; how much was still under way.
///
/// # Errors
/// When an instance cannot be stopped.
pub async fn drain_instances(ctx: &Context, rows: &[InstanceRow]) -> Result<u64, Cause> {
    let release = ctx.old.as_ref().or(ctx.release.as_ref());
    let mut left = Ok(0);
    for group in stop_groups(release.map(|release| &release.spec), rows) {
        let drains = group.into_iter().map(|row| drain_instance(ctx, row));
        // All of them have their time, whatever becomes of one.
        for drained in futures_util::future::join_all(drains).await {
            left = left.and_then(|left| Ok(left + drained?));
        }
    }
    left
}

async fn drain_instance(ctx: &Context, row: &InstanceRow) -> Result<u64, Cause> {
    let left = wait_idle(ctx, row).await;
    if left > 0 {
        let message = format!("{} still had {left} requests or streams", row.id);
        ctx.progress(StepName::Drain, message);
    }
    failpoint::hit("drained, not stopped");
    let stop = stop_spec(ctx, row);
    let stopped = ctx.world.runtime.stop(&row.id, &stop).await;
    stopped.map_err(crate::executor::internal_cause)?;
    tell_of_a_kill(ctx, row, &stop).await;
    failpoint::hit("stopped, not written");
    ctx.world
        .store
        .set_instance_phase(&row.id, InstancePhase::Gone)
        .map_err(store_cause)?;
    Ok(left)
}

/// A program that does not heed its signal costs every deployment its whole grace time.
async fn tell_of_a_kill(ctx: &Context, row: &InstanceRow, stop: &StopSpec) {
    let exit = match ctx.world.runtime.status(&row.id).await {
        Ok(status) => status.last_exit,
        Err(_) => None,
    };
    if exit.is_some_and(|exit| exit.reason == ExitReason::StopTimedOut) {
        let (signal, grace) = (&stop.signal, stop.grace.as_secs());
        let message = format!(
            "{} did not stop within {grace} s of {signal}: killed",
            row.id
        );
        ctx.progress(StepName::Drain, message);
    }
}

/// How much is under way on an instance once it is idle or the drain time has passed.
async fn wait_idle(ctx: &Context, row: &InstanceRow) -> u64 {
    let deadline = Instant::now() + drain_time(ctx);
    let mut answered = Instant::now();
    loop {
        let left = match ctx.world.proxy.status().await {
            Ok(status) => {
                answered = Instant::now();
                status.in_flight.get(&row.id).copied().unwrap_or(0)
            }
            // Without the proxy nothing is under way through it.
            Err(_) if answered.elapsed() >= PATIENCE => return 0,
            Err(_) => 1,
        };
        if left == 0 || Instant::now() >= deadline {
            return left;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn drain_time(ctx: &Context) -> Duration {
    let spec = ctx
        .old
        .as_ref()
        .or(ctx.release.as_ref())
        .map(|release| &release.spec);
    spec.map_or(Duration::from_secs(30), |spec| spec.drain)
}

/// How an instance is stopped, as the release it was started for says.
pub fn stop_spec(ctx: &Context, row: &InstanceRow) -> StopSpec {
    let releases = [ctx.old.as_ref(), ctx.release.as_ref()];
    let of_row = releases
        .iter()
        .flatten()
        .find(|release| release.number == row.release);
    let any = releases.iter().flatten().next();
    let life = of_row.or(any).and_then(|release| {
        release
            .spec
            .services
            .get(&row.service)
            .and_then(|service| service.life())
    });
    let default = || StopSpec {
        signal: "SIGTERM".into(),
        grace: Duration::from_secs(10),
    };
    life.map_or_else(default, |life| life.stop.clone())
}

/// The longest that draining and stopping may take.
pub fn bound(ctx: &Context) -> Duration {
    let releases = [ctx.old.as_ref(), ctx.release.as_ref()];
    let services = releases
        .iter()
        .flatten()
        .flat_map(|release| release.spec.services.values());
    let graces = services
        .filter_map(|service| service.life())
        .map(|life| life.stop.grace);
    // What others need is stopped after them.
    drain_time(ctx) + graces.sum::<Duration>()
}
