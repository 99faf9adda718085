//! Deployments that the agent finds under way when it starts: each is finished or taken back.

use landfall_model::plan::StepName;
use landfall_model::rollout::{Outcome, Phase};
use landfall_model::{Cause, CauseKind};
use landfall_store::{DeploymentRow, StepState};

use super::context::Context;
use super::drive::{cancelled, drive_from, fail};
use crate::world::World;

/// Ends a deployment that a previous agent left: before the switch it is undone, after it the
/// new release is verified again, and it is finished or taken back.
///
/// # Errors
/// When it has no plan, which a begun deployment always has.
pub async fn recover(world: World, row: DeploymentRow) -> Result<Outcome, Cause> {
    let written = row.cause.clone();
    let phase = row.phase;
    let is_cancelled = row.cancelled_by.is_some() && phase.can_cancel();
    tracing::info!(deployment = %row.id, ?phase, "found a deployment under way");
    let mut ctx = Context::from_row(world, row)?;
    if is_cancelled {
        let cause = cancelled(&ctx);
        return Ok(fail(&mut ctx, cause).await);
    }
    Ok(match phase {
        Phase::Proving => {
            let steps = remaining(&ctx, StepName::Verify);
            drive_from(&mut ctx, &steps).await
        }
        Phase::Finishing => finish(&mut ctx).await,
        Phase::Undoing | Phase::GoingBack => fail_again(&mut ctx, phase, written).await,
        _ => fail(&mut ctx, interrupted()).await,
    })
}

/// Ends a deployment that broke off in this agent: it is taken back, or, where its release is
/// proven, finished.
///
/// # Errors
/// When it has no plan, which a begun deployment always has.
pub async fn take_back(world: World, row: DeploymentRow, cause: Cause) -> Result<Outcome, Cause> {
    let phase = row.phase;
    let mut ctx = Context::from_row(world, row)?;
    Ok(match phase {
        Phase::Undoing | Phase::GoingBack => fail_again(&mut ctx, phase, Some(cause)).await,
        Phase::Finishing => finish(&mut ctx).await,
        _ => fail(&mut ctx, cause).await,
    })
}

/// The release is proven: what is left is put away.
async fn finish(ctx: &mut Context) -> Outcome {
    let steps = remaining(ctx, StepName::Drain);
    drive_from(ctx, &steps).await
}

/// A failure was being taken back already: do that again, it is idempotent.
async fn fail_again(ctx: &mut Context, phase: Phase, cause: Option<Cause>) -> Outcome {
    let before = match phase {
        Phase::GoingBack => Phase::Proving,
        _ => Phase::Preparing,
    };
    ctx.resume_at(before);
    fail(ctx, cause.unwrap_or_else(interrupted)).await
}

fn remaining(ctx: &Context, first: StepName) -> Vec<StepName> {
    let done: Vec<StepName> = ctx
        .world
        .store
        .steps(ctx.id)
        .unwrap_or_default()
        .into_iter()
        .filter(|row| row.state == StepState::Done && row.name >= StepName::Drain)
        .map(|row| row.name)
        .collect();
    let open = |step: &&StepName| **step >= first && !done.contains(step);
    ctx.plan.steps.iter().filter(open).copied().collect()
}

fn interrupted() -> Cause {
    Cause::new(
        CauseKind::Interrupted,
        "the agent stopped in the middle of this deployment",
    )
    .with_fix("deploy again; what was built is kept")
}
