//! Gives the routes to the new release; and takes them back.

use std::collections::BTreeSet;

use landfall_model::event::Event;
use landfall_model::plan::{Action, StepName};
use landfall_model::rollout::Happened;
use landfall_model::snapshot::{Ack, Table};
use landfall_model::{Cause, CauseKind, InstanceId};
use landfall_store::Switch;

use crate::executor::Context;
use crate::failpoint;
use crate::instances::addresses;
use crate::steps::{drain, replace, verify};
use crate::table::{TableParts, table};
use crate::world::store_cause;

/// One snapshot: written, sent, acknowledged. From the acknowledgement on every request meets
/// the new release.
///
/// # Errors
/// When the proxy does not acknowledge it.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let routes = new_table(ctx)?;
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
pub fn new_table(ctx: &Context) -> Result<Table, Cause> {
    let release = match (&ctx.release, &ctx.old) {
        (Some(release), _) | (None, Some(release)) => release,
        (None, None) => return Err(Cause::new(CauseKind::Internal, "no release to route to")),
    };
    let stopped = |row: &landfall_store::InstanceRow| ctx.plan.stopped.contains(&row.service);
    let mut instances = ctx.serving_instances()?;
    instances.retain(|row| !stopped(row));
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

/// Returns users to what was live before, and proves it; then lets the new instances finish what
/// they have.
///
/// # Errors
/// When the old release cannot be brought back or proven.
pub async fn go_back(ctx: &mut Context) -> Result<(), Cause> {
    // What was stopped first must run again before it gets requests.
    if ctx
        .plan
        .services
        .iter()
        .any(|line| line.action == Action::ReplaceStopFirst)
    {
        replace::undo(ctx).await?;
    }
    let stops: Vec<InstanceId> = ctx.plan.stops().cloned().collect();
    let warm = replace::old_instances(ctx, &stops)?;
    for row in &warm {
        replace::restart_old(ctx, row).await?;
    }
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
            format!("went back: the previous release answers on {routes} routes"),
        ),
        Err(cause) => ctx.progress(StepName::Switch, format!("after going back: {cause}")),
    }
    let own = ctx.own_instances()?;
    drain::drain_instances(ctx, &own).await?;
    proof.map(drop)
}
