//! One-off commands in the tree and environment of a release, supervised like instances: a task
//! outlives the agent, its output is kept, and it ends with its time.

use landfall_model::event::Event;
use landfall_model::plan::StepName;
use landfall_model::release::Release;
use landfall_model::{Cause, CauseKind, DeploymentId, InstanceId, TaskName};
use landfall_runtime::{Exit, InstanceState, LogLine, LogQuery, Stream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::diagnose;
use crate::executor::{Context, internal_cause};
use crate::failpoint;
use crate::instances;
use crate::steps::start::start_cause;
use crate::world::World;

/// Lines of output waiting to be taken.
const LINES: usize = 256;
/// Lines of output shown as evidence.
const EVIDENCE_LINES: usize = 12;

/// Runs a task as part of a deployment; milliseconds it took.
///
/// # Errors
/// When it fails or does not end in time.
pub async fn run_in_deployment(
    ctx: &Context,
    release: &Release,
    name: &TaskName,
    step: StepName,
) -> Result<u64, Cause> {
    let (lines, mut received) = mpsc::channel::<LogLine>(LINES);
    let redactor = ctx.redactor();
    let tell = async {
        while let Some(line) = received.recv().await {
            let (source, line) = (name.to_string(), redactor.redact(&line.text));
            ctx.emit(Event::Output { step, source, line });
        }
    };
    let run = run_task(&ctx.world, release, name, Some(ctx.id), lines);
    let (result, ()) = tokio::join!(run, tell);
    let (exit, ms) = result?;
    match exit.code {
        Some(0) => Ok(ms),
        _ => Err(failure_cause(&ctx.world, release, name, &exit).await),
    }
}

/// A task that ended: how, and under which instance its output is kept.
pub struct Ended {
    /// How it ended.
    pub exit: Exit,
    /// Its instance.
    pub id: InstanceId,
}

impl std::ops::Deref for Ended {
    type Target = Exit;
    fn deref(&self) -> &Exit {
        &self.exit
    }
}

/// Runs a task to its end; how it ended, and the milliseconds it took.
///
/// # Errors
/// When it cannot be started or does not end in time.
pub async fn run_task(
    world: &World,
    release: &Release,
    name: &TaskName,
    deployment: Option<DeploymentId>,
    lines: mpsc::Sender<LogLine>,
) -> Result<(Ended, u64), Cause> {
    let launch = instances::launch_task(world, release, name, deployment)?;
    let timeout = release.spec.tasks[name].timeout;
    let (begun, id) = (Instant::now(), launch.spec.id.clone());
    world
        .runtime
        .start(&launch.spec, &launch.env)
        .await
        .map_err(start_cause)?;
    failpoint::hit("task started");
    let query = LogQuery::default();
    let follow = async {
        if let Err(error) = world.runtime.follow_logs(&id, &query, lines).await {
            tracing::warn!(%id, ?error, "failed to follow a task's output");
        }
    };
    let ended = async { tokio::join!(wait_end(world, &id), follow).0 };
    let exit = match tokio::time::timeout(timeout, ended).await {
        Ok(exit) => exit?,
        Err(_) => {
            world
                .runtime
                .stop(&id, &launch.spec.stop)
                .await
                .map_err(internal_cause)?;
            let message = format!("task {name} did not end within {} s", timeout.as_secs());
            return Err(Cause::new(CauseKind::TimedOut, message)
                .with_evidence(last_lines(world, release, &id).await)
                .with_fix("find what it waits for, or raise its `timeout`"));
        }
    };
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok((Ended { exit, id }, ms))
}

async fn wait_end(world: &World, id: &InstanceId) -> Result<Exit, Cause> {
    let mut status = world.runtime.status(id).await.map_err(internal_cause)?;
    loop {
        match (&status.state, &status.last_exit) {
            (InstanceState::Exited | InstanceState::Lost, Some(exit)) => return Ok(exit.clone()),
            (InstanceState::Lost, None) => {
                return Err(Cause::new(
                    CauseKind::Internal,
                    format!("task {id} was lost"),
                ));
            }
            _ => {}
        }
        status = world
            .runtime
            .changed(id, status.seq)
            .await
            .map_err(internal_cause)?;
    }
}

/// Why a task failed.
pub async fn failure_cause(
    world: &World,
    release: &Release,
    name: &TaskName,
    ended: &Ended,
) -> Cause {
    let evidence = last_lines(world, release, &ended.id).await;
    let how = diagnose::describe_exit(&ended.exit);
    let mut cause = Cause::new(CauseKind::TaskFailed, format!("task {name} {how}"));
    if let Some(finding) = diagnose::find(&evidence) {
        cause.summary = format!("{}: {}", cause.summary, finding.summary);
        cause.fix = Some(finding.fix);
    }
    cause.with_evidence(evidence)
}

async fn last_lines(world: &World, release: &Release, id: &InstanceId) -> Vec<String> {
    let query = LogQuery {
        tail: Some(EVIDENCE_LINES),
        since: None,
    };
    let lines = world.runtime.logs(id, &query).await.unwrap_or_default();
    let redactor = crate::redact::Redactor::new([&release.spec]);
    let own = lines.iter().filter(|line| line.stream != Stream::Landfall);
    own.map(|line| format!("log: {}", redactor.redact(&line.text)))
        .collect()
}

/// Stops every task of a deployment that still runs; whether there was one.
///
/// # Errors
/// When one cannot be stopped.
pub async fn stop_all_of(ctx: &Context) -> Result<bool, Cause> {
    let all = ctx.world.runtime.list().await.map_err(internal_cause)?;
    let mut found = false;
    for status in all {
        let Some(owner) = &status.spec.owner else {
            continue;
        };
        let mine = owner.deployment == Some(ctx.id) && owner.task.is_some();
        if mine && status.state != InstanceState::Exited {
            let stopped = ctx
                .world
                .runtime
                .stop(&status.spec.id, &status.spec.stop)
                .await;
            stopped.map_err(internal_cause)?;
            found = true;
        }
    }
    Ok(found)
}
