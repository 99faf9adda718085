//! Runs the tasks that come before the switch, in the order of their names.

use std::time::Duration;

use landfall_model::plan::StepName;
use landfall_model::spec::When;
use landfall_model::{Cause, TaskName};

use crate::executor::Context;
use crate::tasks;
use crate::words::count;

/// Runs them one after the other.
///
/// # Errors
/// When one that blocks fails.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    run_tasks(ctx, When::BeforeSwitch, StepName::BeforeTasks).await
}

/// Runs the tasks of a moment; what became of them.
///
/// # Errors
/// When one that blocks fails.
pub async fn run_tasks(ctx: &Context, when: When, step: StepName) -> Result<String, Cause> {
    let names: Vec<TaskName> = ctx
        .plan
        .tasks
        .iter()
        .filter(|line| line.when == when)
        .map(|l| l.task.clone())
        .collect();
    let release = ctx.release()?.clone();
    let mut failed = Vec::new();
    for name in &names {
        let blocking = release
            .spec
            .tasks
            .get(name)
            .is_some_and(|task| task.blocking);
        match tasks::run_in_deployment(ctx, &release, name, step).await {
            Ok(ms) => ctx.progress(step, format!("{name} succeeded after {ms} ms")),
            Err(cause) if blocking => return Err(cause),
            Err(cause) => {
                ctx.progress(step, format!("{name} failed and does not block: {cause}"));
                failed.push(name.to_string());
            }
        }
    }
    Ok(match failed.is_empty() {
        true => format!("{} succeeded", count(names.len(), "task")),
        false => format!(
            "{} ran, failed: {}",
            count(names.len(), "task"),
            failed.join(", ")
        ),
    })
}

/// Stops a task that was left running.
///
/// # Errors
/// When it cannot be stopped.
pub async fn undo(ctx: &mut Context) -> Result<bool, Cause> {
    tasks::stop_all_of(ctx).await
}

/// The longest that the tasks may take, one after the other.
pub fn bound(ctx: &Context) -> Duration {
    let tasks = ctx.request.spec.iter().flat_map(|spec| spec.tasks.values());
    tasks.map(|task| task.timeout).sum()
}
