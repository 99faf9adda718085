//! Lays out the new release: its trees, its persistent paths, its addresses and the instances
//! that it will start, all written down before the first of them runs.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use landfall_model::plan::{Action, StepName};
use landfall_model::release::Release;
use landfall_model::spec::ServiceSpec;
use landfall_model::{Cause, CauseKind, ServiceName};
use landfall_store::InstancePhase;

use super::start::stop_instances;
use crate::executor::Context;
use crate::failpoint;
use crate::instances;
use crate::users::{self, AppUser};
use crate::words::count;
use crate::world::{disk_full, store_cause};
use crate::writable;

/// Lays everything out.
///
/// # Errors
/// When a tree cannot be laid out whole, or no port is free.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let release = assemble(ctx)?;
    ctx.world
        .store
        .set_deployment_release(ctx.id, &release)
        .map_err(store_cause)?;
    ctx.release = Some(release.clone());
    failpoint::hit("release written");
    let trees = lay_out_trees(ctx, &release).await?;
    for service in release.spec.addressed_services() {
        ensure_address(ctx, service)?;
    }
    let planned = plan_instances(ctx, &release)?;
    Ok(format!(
        "release {}: {}, {} planned",
        release.number,
        count(trees, "tree"),
        count(planned, "instance")
    ))
}

/// The release as it will be: new, or the one that is live or gone back to.
fn assemble(ctx: &Context) -> Result<Release, Cause> {
    if let Some(release) = &ctx.release {
        return Ok(release.clone());
    }
    let number = ctx
        .plan
        .to
        .ok_or_else(|| Cause::new(CauseKind::Internal, "no release"))?;
    let spec = ctx.request.spec.clone();
    Ok(Release {
        number,
        spec: spec.ok_or_else(|| Cause::new(CauseKind::Internal, "no spec"))?,
        artifacts: ctx.artifacts.clone(),
        source: ctx.request.source.clone(),
        deployment: ctx.id,
    })
}

async fn lay_out_trees(ctx: &Context, release: &Release) -> Result<usize, Cause> {
    let mut laid_out = 0;
    for (name, service) in &release.spec.services {
        let line = ctx.plan.service(name);
        let starts = line.is_some_and(|line| line.start > 0);
        // The proxy serves files from the release that its routes belong to.
        let is_served = service.life().is_none();
        let needs_tree =
            service.container().is_none() && (starts || is_served || has_task(release, name));
        let tree = instances::tree(&ctx.world, release, name);
        if !needs_tree || tree.exists() {
            continue;
        }
        lay_out(ctx, release, name, service, &tree).await?;
        laid_out += 1;
    }
    Ok(laid_out)
}

/// Whether a task may run in it, in this deployment or by hand later.
fn has_task(release: &Release, service: &ServiceName) -> bool {
    let tasks = release.spec.tasks.values();
    tasks.into_iter().any(|task| task.service == *service)
}

async fn lay_out(
    ctx: &Context,
    release: &Release,
    name: &ServiceName,
    service: &ServiceSpec,
    tree: &Path,
) -> Result<(), Cause> {
    let parent = tree.parent().unwrap_or(tree);
    fs::create_dir_all(parent).map_err(|error| io_cause("create", parent, &error))?;
    match release.artifacts.get(&service.artifact) {
        Some(artifact) => {
            ctx.world
                .artifacts
                .materialise(artifact.digest, tree)
                .await?
        }
        // A service without a build runs a program of the host, in a directory of its own.
        None => fs::create_dir(tree).map_err(|error| io_cause("create", tree, &error))?,
    }
    failpoint::hit("tree laid out");
    let Some(process) = service.process() else {
        return match ctx.world.users {
            Some(_) => {
                users::let_proxy_read(tree).map_err(|error| io_cause("protect", tree, &error))
            }
            None => Ok(()),
        };
    };
    let persistent = ctx
        .world
        .paths
        .persistent(&ctx.key.app, &ctx.key.environment, name);
    for path in &process.writable {
        writable::link(tree, &persistent, path)
            .map_err(|error| io_cause("link the persistent path", &tree.join(path), &error))?;
    }
    if let Some(user) = ctx.world.user(&ctx.key)? {
        hand_over(tree, &persistent, &process.writable, &user)?;
    }
    ctx.progress(StepName::Prepare, format!("laid out {name}"));
    Ok(())
}

/// The tree can be read by the app alone, and what it may write is its own.
fn hand_over(
    tree: &Path,
    persistent: &Path,
    writable: &[String],
    user: &AppUser,
) -> Result<(), Cause> {
    users::let_read(tree, user).map_err(|error| io_cause("protect", tree, &error))?;
    for path in writable {
        users::let_read(persistent, user)
            .map_err(|error| io_cause("protect", persistent, &error))?;
        let path = persistent.join(path);
        users::give(&path, user).map_err(|error| io_cause("give", &path, &error))?;
    }
    Ok(())
}

fn ensure_address(ctx: &Context, service: &ServiceName) -> Result<(), Cause> {
    let store = &ctx.world.store;
    if store
        .address(&ctx.key, service)
        .map_err(store_cause)?
        .is_none()
    {
        let port = instances::free_port(store)?;
        store
            .set_address(&ctx.key, service, port)
            .map_err(store_cause)?;
    }
    Ok(())
}

fn plan_instances(ctx: &Context, release: &Release) -> Result<usize, Cause> {
    let own = ctx.own_instances()?;
    let mut planned = 0;
    for line in ctx.lines(|line| line.start > 0) {
        let there = own.iter().filter(|row| row.service == line.service).count();
        for _ in there..line.start as usize {
            instances::plan_instance(&ctx.world, &ctx.key, release, &line.service, ctx.id)?;
            failpoint::hit("instance planned");
            planned += 1;
        }
    }
    Ok(planned)
}

/// Removes what was laid out for a release that will not be, and the instances planned for it.
///
/// # Errors
/// When a directory cannot be removed.
pub async fn undo(ctx: &mut Context) -> Result<bool, Cause> {
    let rows = ctx.own_instances()?;
    // Nothing is removed from under a process that could not be stopped before.
    stop_instances(ctx, &rows).await?;
    for row in rows {
        if row.phase == InstancePhase::Planned {
            ctx.world
                .store
                .delete_instance(&row.id)
                .map_err(store_cause)?;
        }
    }
    let (true, Some(number)) = (ctx.plan.makes_release, ctx.plan.to) else {
        return Ok(true);
    };
    let dir = ctx
        .world
        .paths
        .release(&ctx.key.app, &ctx.key.environment, number);
    match fs::remove_dir_all(&dir) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(io_cause("remove", &dir, &error)),
    }
}

/// Whether a line starts instances before the switch.
pub fn starts_early(action: Action) -> bool {
    action != Action::ReplaceStopFirst
}

/// A cause for a file operation that failed.
pub fn io_cause(operation: &str, path: &Path, error: &std::io::Error) -> Cause {
    let message = format!("failed to {operation} {}: {error}", path.display());
    if error.kind() == ErrorKind::StorageFull {
        return disk_full(message);
    }
    Cause::new(CauseKind::Internal, message)
}
