//! Takes over from the containers of a Compose project, which go on serving until it is their turn
//! to stop.
//!
//! Those that stop first are made known on the app's network, so that the new containers beside
//! them find what they need; what takes their place is made known on the project's networks, so
//! that those of its containers which go on find it. All that is undone is found in the plan and at
//! the engine, so an agent that comes after another one can do it as well.

use std::collections::BTreeSet;
use std::time::Duration;

use landfall_model::compose::KnownAs;
use landfall_model::container::{NetworkMode, NetworkRef};
use landfall_model::plan::{AdoptLine, StepName};
use landfall_model::spec::ServiceSpec;
use landfall_model::{Cause, ServiceName};
use landfall_runtime::Owner;
use landfall_runtime::docker::container_name;
use landfall_store::InstanceRow;

use crate::executor::Context;
use crate::failpoint;
use crate::order::levels;
use crate::words::count;

/// Makes the containers that stop first known on the app's network.
///
/// # Errors
/// When the engine refuses.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let mut joined = 0;
    for line in stop_first(ctx) {
        for network in own_networks(ctx, &line.service)? {
            failpoint::hit("before a container is made known");
            let owner = owner(ctx, &line.service)?;
            let compose = &ctx.world.compose;
            compose.join(&line.container, &network, &owner).await?;
            failpoint::hit("container made known");
        }
        ctx.progress(
            StepName::Adopt,
            format!("{} is known to the new release", line.name),
        );
        joined += 1;
    }
    let later = ctx.plan.adopts.len() - joined;
    Ok(format!(
        "{} to stop before what replaces them, {later} once the release is proven",
        count(joined, "container")
    ))
}

/// Takes the containers from the app's network again, and makes sure that they run.
///
/// # Errors
/// When one cannot be started, or the engine refuses.
pub async fn undo(ctx: &mut Context) -> Result<bool, Cause> {
    let mut failure = Ok(());
    for line in &ctx.plan.adopts {
        let compose = &ctx.world.compose;
        failure = failure.and(compose.start(&line.container, &line.restart).await);
        failure = failure.and(leave_own_networks(ctx, line).await);
    }
    failure.map(|()| true)
}

/// Stops the containers that stop before this service starts.
///
/// # Errors
/// When one cannot be stopped.
pub async fn stop_before(ctx: &Context, service: &ServiceName) -> Result<(), Cause> {
    for line in stopping_before(ctx, service) {
        ctx.progress(StepName::Replace, format!("stopping {}", line.name));
        stop(ctx, line).await?;
    }
    Ok(())
}

/// Starts the containers again that stopped before this service started.
///
/// # Errors
/// When one cannot be started.
pub async fn start_again(ctx: &Context, service: &ServiceName) -> Result<(), Cause> {
    let mut failure = Ok(());
    for line in stopping_before(ctx, service) {
        failpoint::hit("before a container starts again");
        let compose = &ctx.world.compose;
        failure = failure.and(compose.start(&line.container, &line.restart).await);
        failpoint::hit("container started again");
    }
    failure
}

/// Makes what took the place of the containers that stopped before this service known to those of
/// the project that go on.
///
/// # Errors
/// When the engine refuses.
pub async fn make_known(ctx: &Context, service: &ServiceName) -> Result<(), Cause> {
    for line in stopping_before(ctx, service) {
        for row in instances(ctx, &line.service)? {
            for network in foreign_networks(ctx, line)? {
                failpoint::hit("before an instance is made known");
                let owner = owner(ctx, &line.service)?;
                let container = container_name(&row.id);
                ctx.world.compose.join(&container, &network, &owner).await?;
            }
        }
    }
    Ok(())
}

/// Stops every container whose place is taken, each before those that it needs, and takes all that
/// was made known for the time of the deployment back; how many there are.
///
/// # Errors
/// When one cannot be stopped. The others are stopped all the same.
pub async fn finish(ctx: &Context) -> Result<usize, Cause> {
    let lines = &ctx.plan.adopts;
    if lines.is_empty() {
        return Ok(0);
    }
    let mut services: Vec<ServiceName> = lines.iter().map(|line| line.service.clone()).collect();
    services.dedup();
    let mut failure = Ok(());
    for level in levels(&ctx.release()?.spec, &services).iter().rev() {
        let of_level = lines.iter().filter(|line| level.contains(&line.service));
        let stops = of_level.map(|line| stop(ctx, line));
        for stopped in futures_util::future::join_all(stops).await {
            failure = failure.and(stopped);
        }
    }
    // Not before: what stops may have to finish something with what took another's place.
    for line in lines {
        failure = failure.and(make_unknown(ctx, line).await);
    }
    failure.map(|()| lines.len())
}

async fn make_unknown(ctx: &Context, line: &AdoptLine) -> Result<(), Cause> {
    leave_own_networks(ctx, line).await?;
    for row in instances(ctx, &line.service)? {
        for network in foreign_networks(ctx, line)? {
            let container = container_name(&row.id);
            ctx.world.compose.leave(&container, &network.name).await?;
        }
    }
    Ok(())
}

async fn stop(ctx: &Context, line: &AdoptLine) -> Result<(), Cause> {
    failpoint::hit("before a container stops");
    ctx.world.compose.stop(&line.container, &line.stop).await?;
    failpoint::hit("container stopped");
    Ok(())
}

async fn leave_own_networks(ctx: &Context, line: &AdoptLine) -> Result<(), Cause> {
    if line.before.as_ref() != Some(&line.service) {
        return Ok(());
    }
    for network in own_networks(ctx, &line.service)? {
        let compose = &ctx.world.compose;
        compose.leave(&line.container, &network.name).await?;
    }
    Ok(())
}

fn stop_first(ctx: &Context) -> Vec<AdoptLine> {
    let lines = ctx.plan.adopts.iter();
    let own = lines.filter(|line| line.before.as_ref() == Some(&line.service));
    own.cloned().collect()
}

fn stopping_before<'a>(
    ctx: &'a Context,
    service: &'a ServiceName,
) -> impl Iterator<Item = &'a AdoptLine> {
    let lines = ctx.plan.adopts.iter();
    lines.filter(move |line| line.before.as_ref() == Some(service))
}

fn instances(ctx: &Context, service: &ServiceName) -> Result<Vec<InstanceRow>, Cause> {
    let mut rows = ctx.serving_instances()?;
    rows.retain(|row| row.service == *service);
    Ok(rows)
}

/// The networks that Landfall makes for a service, with its names on them. On those that are
/// someone else's the containers of the project are by themselves.
fn own_networks(ctx: &Context, service: &ServiceName) -> Result<Vec<NetworkRef>, Cause> {
    let networks = networks(ctx, service)?;
    Ok(networks.into_iter().filter(|n| !n.external).collect())
}

/// The networks of the project on which others find a container, but for those that the service is
/// on by itself.
fn foreign_networks(ctx: &Context, line: &AdoptLine) -> Result<Vec<NetworkRef>, Cause> {
    let joined: BTreeSet<String> = networks(ctx, &line.service)?
        .into_iter()
        .map(|network| network.name)
        .collect();
    if joined.is_empty() {
        // It is on the host's network, or on none: no other can be added to that.
        return Ok(Vec::new());
    }
    let is_other = |known: &&KnownAs| !joined.contains(&known.network);
    let network = |known: &KnownAs| NetworkRef {
        name: known.network.clone(),
        aliases: known.aliases.clone(),
        external: true,
        ..NetworkRef::default()
    };
    let known = line.networks.iter().filter(is_other);
    Ok(known.map(network).collect())
}

fn networks(ctx: &Context, service: &ServiceName) -> Result<Vec<NetworkRef>, Cause> {
    let spec = ctx.release()?.spec.services.get(service);
    let container = spec.and_then(ServiceSpec::container);
    Ok(match container.map(|container| &container.run.network) {
        Some(NetworkMode::Joined(networks)) => networks.clone(),
        Some(NetworkMode::Host) | None => Vec::new(),
    })
}

fn owner(ctx: &Context, service: &ServiceName) -> Result<Owner, Cause> {
    Ok(Owner {
        app: ctx.key.app.clone(),
        environment: ctx.key.environment.clone(),
        service: service.clone(),
        task: None,
        release: ctx.release()?.number,
        deployment: Some(ctx.id),
    })
}

/// The longest that stopping all of them may take.
pub fn bound(ctx: &Context) -> Duration {
    ctx.plan.adopts.iter().map(|line| line.stop.grace).sum()
}
