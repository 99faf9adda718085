//! The steps of a deployment, one file each: what it does, how long it may take, and its undo.
//! Every `run` and every `undo` is idempotent.

pub mod adopt;
pub mod after_tasks;
pub mod before_tasks;
pub mod build;
pub mod drain;
pub mod preflight;
pub mod prepare;
pub mod ready;
pub mod rehearse;
pub mod replace;
pub mod retire;
pub mod start;
pub mod switch;
pub mod verify;
pub mod watch;

use std::time::Duration;

use landfall_model::Cause;
use landfall_model::plan::StepName;

use crate::executor::Context;

/// Runs a step; what it did, for a person.
///
/// # Errors
/// With the cause that fails the deployment.
pub async fn run(ctx: &mut Context, step: StepName) -> Result<String, Cause> {
    match step {
        StepName::Build => build::run(ctx).await,
        StepName::Preflight => preflight::run(ctx).await,
        StepName::Prepare => prepare::run(ctx).await,
        StepName::Adopt => adopt::run(ctx).await,
        StepName::BeforeTasks => before_tasks::run(ctx).await,
        StepName::Start => start::run(ctx).await,
        StepName::Ready => ready::run(ctx).await,
        StepName::Rehearse => rehearse::run(ctx).await,
        StepName::Replace => replace::run(ctx).await,
        StepName::Switch => switch::run(ctx).await,
        StepName::Verify => verify::run(ctx).await,
        StepName::Watch => watch::run(ctx).await,
        StepName::Drain => drain::run(ctx).await,
        StepName::AfterTasks => after_tasks::run(ctx).await,
        StepName::Retire => retire::run(ctx).await,
    }
}

/// Takes back what a step did; whether there was anything to take back.
///
/// # Errors
/// When something is left behind. The reconciler finds it.
pub async fn undo(ctx: &mut Context, step: StepName) -> Result<bool, Cause> {
    match step {
        StepName::Prepare => prepare::undo(ctx).await,
        StepName::Adopt => adopt::undo(ctx).await,
        StepName::BeforeTasks => before_tasks::undo(ctx).await,
        StepName::Start => start::undo(ctx).await,
        StepName::Rehearse => rehearse::undo(ctx).await,
        StepName::Replace => replace::undo(ctx).await,
        // Going back is its own path, taken before the undos. Built artifacts are kept: a retry
        // uses them. The others leave nothing behind.
        StepName::Build
        | StepName::Preflight
        | StepName::Ready
        | StepName::Switch
        | StepName::Verify
        | StepName::Watch
        | StepName::Drain
        | StepName::AfterTasks
        | StepName::Retire => Ok(false),
    }
}

/// How long a step may take. What the user bounds has its own bound inside; this one is for what
/// never should take long and for defects.
pub fn deadline(ctx: &Context, step: StepName) -> Duration {
    const MARGIN: Duration = Duration::from_secs(60);
    let own = match step {
        StepName::Build => build::bound(ctx),
        StepName::BeforeTasks | StepName::AfterTasks => before_tasks::bound(ctx),
        StepName::Start | StepName::Ready => ready::bound(ctx),
        StepName::Rehearse | StepName::Verify => verify::bound(ctx),
        StepName::Replace => ready::bound(ctx) + drain::bound(ctx) + adopt::bound(ctx),
        StepName::Watch => watch::bound(ctx),
        StepName::Drain => drain::bound(ctx) + adopt::bound(ctx),
        StepName::Prepare | StepName::Retire => Duration::from_secs(600),
        StepName::Preflight | StepName::Adopt | StepName::Switch => Duration::ZERO,
    };
    own + MARGIN
}
