//! From the first step to the end, whichever end that is.

use std::time::Duration;

use landfall_model::event::Event;
use landfall_model::plan::StepName;
use landfall_model::rollout::{Happened, Outcome, Phase};
use landfall_model::{Cause, CauseKind};
use landfall_store::StepState;
use tokio::time::Instant;

use super::context::Context;
use crate::failpoint;
use crate::steps;
use crate::world::store_cause;

/// Attempts to take back one thing before the rest is taken back without it.
const UNDO_ATTEMPTS: u32 = 5;
/// Attempts to return users to the old release: ten minutes of them, because nothing else helps.
const GO_BACK_ATTEMPTS: u32 = 600;
/// Time between attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// Carries out a deployment whose plan is written, and ends it.
pub async fn drive(mut ctx: Context) -> Outcome {
    let steps = ctx.plan.steps.clone();
    if steps.is_empty() {
        // What it waited for did all that was asked for.
        return end(&ctx, Outcome::Succeeded, None);
    }
    drive_from(&mut ctx, &steps).await
}

/// Carries out these steps, and ends the deployment.
pub(super) async fn drive_from(ctx: &mut Context, steps: &[StepName]) -> Outcome {
    match forward(ctx, steps).await {
        Ok(()) => end(ctx, Outcome::Succeeded, None),
        Err(cause) => fail(ctx, cause).await,
    }
}

/// Takes back what was done, by the phase the deployment is in, and ends it.
pub(super) async fn fail(ctx: &mut Context, cause: Cause) -> Outcome {
    tracing::warn!(deployment = %ctx.id, %cause, "deployment failed");
    if let Err(error) = ctx.world.store.set_cause(ctx.id, &cause) {
        tracing::error!(?error, "failed to write the cause of a failure");
    }
    if let Err(error) = ctx.advance(Happened::Failed) {
        tracing::error!(%error, "failed to record a failure");
    }
    match ctx.phase() {
        Phase::GoingBack => go_back(ctx, cause).await,
        Phase::Ended(outcome) => end(ctx, outcome, Some(cause)),
        _ => {
            undo(ctx).await;
            let _ = ctx.advance(Happened::Undone);
            end(ctx, Outcome::Stopped, Some(cause))
        }
    }
}

async fn forward(ctx: &mut Context, steps: &[StepName]) -> Result<(), Cause> {
    for &step in steps {
        if step >= StepName::Drain && ctx.phase() == Phase::Proving {
            prove(ctx)?;
        }
        match run_step(ctx, step).await {
            Ok(()) => {}
            // The release is live and proven; what is left is tidying, and is said.
            Err(cause) if ctx.phase() == Phase::Finishing => {
                tracing::warn!(deployment = %ctx.id, %step, %cause, "left something behind");
            }
            Err(cause) => return Err(cause),
        }
    }
    if ctx.phase() == Phase::Proving {
        prove(ctx)?;
    }
    ctx.advance(Happened::Completed)
}

/// The release has proved itself: from here on it is one that can be gone back to.
fn prove(ctx: &mut Context) -> Result<(), Cause> {
    if ctx.cancel.is_cancelled() {
        return Err(cancelled(ctx));
    }
    if ctx.plan.makes_release
        && let Some(release) = &ctx.release
    {
        let at = ctx.world.now();
        let written = ctx
            .world
            .store
            .insert_release(&ctx.key, release, &ctx.by, at);
        written.map_err(store_cause)?;
    }
    ctx.advance(Happened::Proved)
}

async fn run_step(ctx: &mut Context, step: StepName) -> Result<(), Cause> {
    failpoint::hit("before a step");
    let (store, begun) = (ctx.world.store.clone(), Instant::now());
    let seq = store
        .begin_step(ctx.id, step, ctx.world.now())
        .map_err(store_cause)?;
    ctx.emit(Event::StepStarted { step });
    failpoint::hit("step begun");
    let result = bounded(ctx, step).await;
    failpoint::hit("step done, not written");
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (state, summary) = match &result {
        Ok(summary) => (StepState::Done, summary.clone()),
        Err(cause) => (StepState::Failed, cause.summary.clone()),
    };
    let written = store.end_step(ctx.id, seq, state, ctx.world.now(), &summary);
    match result {
        Ok(summary) => {
            written.map_err(store_cause)?;
            ctx.emit(Event::StepSucceeded { step, ms, summary });
            failpoint::hit("step written");
            Ok(())
        }
        Err(cause) => {
            ctx.emit(Event::StepFailed {
                step,
                ms,
                cause: cause.clone(),
            });
            Err(cause)
        }
    }
}

/// Runs a step until it ends, its deadline passes, or someone cancels while that still helps.
async fn bounded(ctx: &mut Context, step: StepName) -> Result<String, Cause> {
    let deadline = steps::deadline(ctx, step);
    let cancel = ctx.cancel.clone();
    let can_cancel = ctx.phase().can_cancel();
    tokio::select! {
        biased;
        () = cancel.cancelled(), if can_cancel => Err(cancelled(ctx)),
        done = tokio::time::timeout(deadline, steps::run(ctx, step)) => {
            done.unwrap_or_else(|_| Err(timed_out(step, deadline)))
        }
    }
}

pub(super) fn cancelled(ctx: &Context) -> Cause {
    let row = ctx.world.store.deployment(ctx.id).ok();
    let by = row
        .and_then(|row| row.cancelled_by)
        .unwrap_or_else(|| "someone".into());
    Cause::new(CauseKind::Cancelled, format!("cancelled by {by}"))
}

fn timed_out(step: StepName, deadline: Duration) -> Cause {
    let message = format!("step {step} did not end within {} s", deadline.as_secs());
    Cause::new(CauseKind::TimedOut, message)
}

/// Undoes every step that has a journal entry, the last one first.
async fn undo(ctx: &mut Context) {
    let begun = ctx.world.store.steps(ctx.id).unwrap_or_default();
    for row in begun.iter().rev() {
        failpoint::hit("before an undo");
        match undo_step(ctx, row.name).await {
            Ok(false) => continue,
            Ok(true) => {}
            Err(cause) => {
                tracing::error!(step = %row.name, %cause, "failed to undo; the reconciler goes on");
                continue;
            }
        }
        if let Err(error) = ctx.world.store.undo_step(ctx.id, row.seq) {
            tracing::error!(?error, "failed to write an undo");
        }
        ctx.emit(Event::StepUndone { step: row.name });
    }
}

async fn undo_step(ctx: &mut Context, step: StepName) -> Result<bool, Cause> {
    for _ in 1..UNDO_ATTEMPTS {
        match steps::undo(ctx, step).await {
            Err(cause) => tracing::warn!(%step, %cause, "failed to undo; trying again"),
            done => return done,
        }
        tokio::time::sleep(PAUSE).await;
    }
    steps::undo(ctx, step).await
}

/// Returns users to what was live before, proves that, and takes back the rest.
async fn go_back(ctx: &mut Context, cause: Cause) -> Outcome {
    let mut cause = cause;
    match keep_going_back(ctx).await {
        Ok(proof) => {
            let doubt = proof
                .err()
                .map(|error| format!("after going back: {error}"));
            cause.evidence.extend(doubt);
            undo(ctx).await;
        }
        // Users may be on the new instances still: nothing is taken from under them.
        Err(error) => {
            tracing::error!(%error, "failed to go back");
            cause.evidence.push(format!("going back: {error}"));
        }
    }
    let _ = ctx.advance(Happened::WentBack);
    end(ctx, Outcome::RolledBack, Some(cause))
}

async fn keep_going_back(ctx: &mut Context) -> Result<Result<(), Cause>, Cause> {
    for _ in 1..GO_BACK_ATTEMPTS {
        match steps::switch::go_back(ctx).await {
            Err(cause) => tracing::error!(%cause, "failed to go back; trying again"),
            done => return done,
        }
        tokio::time::sleep(PAUSE).await;
    }
    steps::switch::go_back(ctx).await
}

fn end(ctx: &Context, outcome: Outcome, cause: Option<Cause>) -> Outcome {
    failpoint::hit("before the end");
    let store = &ctx.world.store;
    if let Err(error) = store.end_deployment(ctx.id, outcome, ctx.world.now()) {
        tracing::error!(?error, "failed to write the end of a deployment");
    }
    let live = store
        .environment(&ctx.key)
        .ok()
        .flatten()
        .and_then(|row| row.live);
    ctx.emit(Event::Finished {
        outcome,
        cause,
        live,
    });
    failpoint::hit("after the end");
    outcome
}
