//! Runs the smoke checks on the new release through the real proxy, before any user meets it.

use landfall_model::Cause;
use landfall_model::env::Secret;
use landfall_model::plan::{Action, StepName};
use landfall_model::release::Release;
use landfall_model::snapshot::Candidate;
use landfall_model::spec::{AppSpec, SmokeSpec};

use super::switch::new_table;
use crate::checks::Through;
use crate::executor::Context;
use crate::failpoint;
use crate::words::count;
use crate::world::store_cause;

/// Makes the new release reachable by a token, checks it, and makes it unreachable again.
///
/// # Errors
/// When a check fails.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let release = ctx.release()?.clone();
    let token = Secret::new(crate::token::random());
    let candidate = Candidate {
        token: token.clone(),
        table: new_table(ctx).await?,
    };
    ctx.world
        .store
        .set_candidate(ctx.id, &candidate)
        .map_err(store_cause)?;
    ctx.world.routes.sync().await?;
    failpoint::hit("candidate reachable");
    let checked = check(ctx, &release, &token).await?;
    undo(ctx).await?;
    Ok(format!(
        "{} passed on the new release, unseen by users",
        count(checked, "check")
    ))
}

async fn check(ctx: &Context, release: &Release, token: &Secret) -> Result<usize, Cause> {
    let through = Through {
        world: &ctx.world,
        candidate: Some(token),
    };
    let mut checked = 0;
    for smoke in &release.spec.smoke {
        if !can_rehearse(ctx, &release.spec, smoke) {
            let message = format!("{} is checked after the switch", smoke.path);
            ctx.progress(StepName::Rehearse, message);
            continue;
        }
        through.smoke(&release.spec, smoke).await?;
        ctx.progress(
            StepName::Rehearse,
            format!("{} {} passed", smoke.method, smoke.path),
        );
        checked += 1;
    }
    for (name, service) in &release.spec.services {
        let runs_already = ctx
            .plan
            .service(name)
            .is_some_and(|line| !is_stop_first(line.action));
        if let (Some(version), true) = (&service.version, runs_already) {
            through.version(release, name, version).await?;
            checked += 1;
        }
    }
    Ok(checked)
}

/// Whether the new instances of the service behind a check run before the switch.
fn can_rehearse(ctx: &Context, spec: &AppSpec, smoke: &SmokeSpec) -> bool {
    let matching = spec
        .routes
        .iter()
        .filter(|route| smoke.path.starts_with(&route.path));
    let longest = matching.max_by_key(|route| route.path.len());
    let line = longest.and_then(|route| ctx.plan.service(&route.to));
    line.is_none_or(|line| !is_stop_first(line.action))
}

fn is_stop_first(action: Action) -> bool {
    action == Action::ReplaceStopFirst
}

/// Makes the candidate unreachable.
///
/// # Errors
/// When the store or the proxy fails.
pub async fn undo(ctx: &mut Context) -> Result<bool, Cause> {
    ctx.world
        .store
        .remove_candidate(ctx.id)
        .map_err(store_cause)?;
    ctx.world.routes.sync().await?;
    Ok(true)
}
