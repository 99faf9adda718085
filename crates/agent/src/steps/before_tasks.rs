//! Runs the tasks that come before the switch: those of services that others need first, else in
//! the order of their names.

use std::time::Duration;

use landfall_model::plan::StepName;
use landfall_model::spec::{AppSpec, When};
use landfall_model::{Cause, ServiceName, TaskName};

use super::start::start_new;
use crate::executor::Context;
use crate::order::{levels, needed};
use crate::tasks;
use crate::words::count;

/// Runs them one after the other, once what their services need is there.
///
/// # Errors
/// When one that blocks fails, or something that one needs does not get ready.
pub async fn run(ctx: &mut Context) -> Result<String, Cause> {
    let spec = &ctx.release()?.spec;
    let tasks = names(ctx, When::BeforeSwitch);
    let services = tasks.iter().filter_map(|name| spec.tasks.get(name));
    let needed = needed(spec, services.map(|task| task.service.clone()));
    start_new(ctx, &needed).await?;
    run_tasks(ctx, When::BeforeSwitch, StepName::BeforeTasks).await
}

/// Runs the tasks of a moment; what became of them.
///
/// # Errors
/// When one that blocks fails.
pub async fn run_tasks(ctx: &Context, when: When, step: StepName) -> Result<String, Cause> {
    let release = ctx.release()?.clone();
    let names = in_order(&release.spec, names(ctx, when));
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

fn names(ctx: &Context, when: When) -> Vec<TaskName> {
    let lines = ctx.plan.tasks.iter().filter(|line| line.when == when);
    lines.map(|line| line.task.clone()).collect()
}

/// Tasks whose services need none of the others' services first.
fn in_order(spec: &AppSpec, names: Vec<TaskName>) -> Vec<TaskName> {
    let service = |name: &TaskName| spec.tasks.get(name).map(|task| task.service.clone());
    let mut services: Vec<ServiceName> = names.iter().filter_map(service).collect();
    services.sort();
    services.dedup();
    let levels = levels(spec, &services);
    let level = |name: &TaskName| {
        let service = service(name);
        levels
            .iter()
            .position(|level| service.as_ref().is_some_and(|name| level.contains(name)))
    };
    let mut names = names;
    names.sort_by_key(level);
    names
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
    let tasks: Duration = tasks.map(|task| task.timeout).sum();
    // What they need may have to start first.
    tasks + super::ready::bound(ctx)
}
