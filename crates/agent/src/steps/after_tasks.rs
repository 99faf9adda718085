//! Runs the tasks that come once the new release has proved itself. Their failure is said and
//! undoes nothing.

use landfall_model::Cause;
use landfall_model::plan::StepName;
use landfall_model::spec::When;

use super::before_tasks::run_tasks;
use crate::executor::Context;

/// Runs them one after the other.
///
/// # Errors
/// When one that blocks fails; those after it do not run.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    run_tasks(ctx, When::AfterSwitch, StepName::AfterTasks).await
}
