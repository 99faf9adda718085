//! Gives the routes to the new release; and takes them back.

use std::collections::BTreeSet;

use landfall_model::event::Event;
use landfall_model::plan::{Action, ServiceLine, StepName};
use landfall_model::rollout::Happened;
use landfall_model::snapshot::{Ack, Table};
use landfall_model::{Cause, CauseKind, InstanceId};
use landfall_store::Switch;

use crate::executor::Context;
use crate::failpoint;
use crate::instances::{address, addresses};
use crate::steps::{drain, replace, verify};
use crate::table::{TableParts, table};
use crate::words::count;
use crate::world::store_cause;

/// Attempts to bring old instances back.
const RESTART_ATTEMPTS: u32 = 3;

/// One snapshot: written, sent, acknowledged. From the acknowledgement on every request meets
/// the new release.
///
/// # Errors
/// When the proxy does not acknowledge it.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let routes = new_table(ctx).await?;
    let switch = Switch {
        live: ctx.plan.to,
        routes,
        stopped: ctx.plan.stopped.iter().cloned().collect::<BTreeSet<_>>(),
        replaced: ctx.plan.stops().cloned().collect(),
    };
    failpoint::hit("before the switch is written");
    ctx.world
        .store
        .switch(ctx.id, &ctx.key, &switch)
        .map_err(store_cause)?;
    ctx.advance(Happened::SwitchRequested)?;
    failpoint::hit("switch written, not sent");
    let ack = ctx.world.routes.sync().await?;
    failpoint::hit("switch acknowledged, not written");
    check_bound(ctx, &ack)?;
    ctx.advance(Happened::SwitchAcknowledged)?;
    failpoint::hit("switched");
    ctx.emit(Event::Switched {
        generation: ack.generation,
        release: ctx.plan.to,
    });
    Ok(format!(
        "generation {} acknowledged by the proxy",
        ack.generation
    ))
}

/// The table that users meet after the switch.
///
/// # Errors
/// When the store fails.
pub async fn new_table(ctx: &Context) -> Result<Table, Cause> {
    let release = match (&ctx.release, &ctx.old) {
        (Some(release), _) | (None, Some(release)) => release,
        (None, None) => return Err(Cause::new(CauseKind::Internal, "no release to route to")),
    };
    let stopped = |row: &landfall_store::InstanceRow| ctx.plan.stopped.contains(&row.service);
    let mut instances = Vec::new();
    for row in ctx.serving_instances()? {
        if let (false, Some(address)) = (stopped(&row), address(&ctx.world, &row).await?) {
            instances.push((row, address));
        }
    }
    let trees = ctx
        .world
        .paths
        .release(&ctx.key.app, &ctx.key.environment, release.number);
    Ok(table(&TableParts {
        release,
        instances: &instances,
        stopped: &ctx.plan.stopped,
        addresses: &addresses(&ctx.world.store, &ctx.key, release)?,
        trees: &trees,
    }))
}

fn check_bound(ctx: &Context, ack: &Ack) -> Result<(), Cause> {
    let release = ctx.release.as_ref().or(ctx.old.as_ref());
    let Some(release) = release else {
        return Ok(());
    };
    let own = addresses(&ctx.world.store, &ctx.key, release)?;
    let Some(unbound) = ack.unbound.iter().find(|unbound| {
        own.values().any(|port| *port == unbound.address.port())
            || unbound.address == ctx.world.http
    }) else {
        return Ok(());
    };
    let message = format!("the proxy cannot listen on {}", unbound.address);
    Err(Cause::new(CauseKind::PortInUse, message).with_evidence([unbound.reason.clone()]))
}

/// Returns users to what was live before, and asks whether it answers; then lets the new instances
/// finish what they have. What the old release answers changes nothing any more, and is returned.
///
/// # Errors
/// When users may still meet the new release, or its instances are not put away. Try again.
pub async fn go_back(ctx: &mut Context) -> Result<Result<(), Cause>, Cause> {
    restart_old(ctx).await;
    failpoint::hit("before going back");
    ctx.world
        .store
        .switch_back(ctx.id, &ctx.key)
        .map_err(store_cause)?;
    failpoint::hit("went back, not sent");
    let ack = ctx.world.routes.sync().await?;
    failpoint::hit("went back");
    ctx.emit(Event::Switched {
        generation: ack.generation,
        release: ctx.plan.from,
    });
    let proof = verify::prove_serving(ctx, ctx.plan.from, ctx.old.as_ref()).await;
    match &proof {
        Ok(routes) => ctx.progress(
            StepName::Switch,
            format!(
                "went back: the previous release answers on {}",
                count(*routes, "route")
            ),
        ),
        Err(cause) => ctx.progress(StepName::Switch, format!("after going back: {cause}")),
    }
    let own = ctx.own_instances()?;
    drain::drain_instances(ctx, &own).await?;
    Ok(proof.map(drop))
}

/// Brings the old instances back before they get requests. One that does not come back is left to
/// the reconciler: with it or without it, the old release is where users belong.
async fn restart_old(ctx: &mut Context) {
    let is_stop_first = |line: &ServiceLine| line.action == Action::ReplaceStopFirst;
    if ctx.plan.services.iter().any(is_stop_first) {
        for _ in 0..RESTART_ATTEMPTS {
            let Err(cause) = replace::undo(ctx).await else {
                break;
            };
            tracing::error!(%cause, "failed to bring back what was stopped first");
        }
    }
    // The others are still warm, unless they died.
    let lines = ctx.lines(|line| !is_stop_first(line));
    let stops: Vec<InstanceId> = lines.into_iter().flat_map(|line| line.stop).collect();
    let warm = replace::old_instances(ctx, &stops).unwrap_or_default();
    for row in &warm {
        for _ in 0..RESTART_ATTEMPTS {
            let Err(cause) = replace::restart_old(ctx, row).await else {
                break;
            };
            tracing::error!(instance = %row.id, %cause, "failed to bring back an old instance");
        }
    }
}
