//! Tasks run by hand.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use landfall_model::release::Release;
use landfall_model::{AppName, Cause, CauseKind, EnvironmentName, TaskName};
use landfall_runtime::LogLine;
use landfall_store::{EnvironmentKey, OperationRow};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::Api;
use super::error::Failed;
use super::stream::ndjson;
use super::types::{ApiError, RunTaskRequest, TaskOutput};
use crate::redact::Redactor;
use crate::tasks::{failure_cause, run_task};
use crate::world::World;

/// Lines that wait to be sent.
const BUFFER: usize = 256;

/// Runs a task of the live release and sends its output as it comes, then its end.
///
/// # Errors
/// When nothing is deployed, or the release has no such task.
#[utoipa::path(
    post, path = "/v1/environments/{app}/{environment}/tasks/{task}",
    params(("app" = String, Path), ("environment" = String, Path), ("task" = String, Path)),
    request_body = RunTaskRequest,
    responses(
        (status = 200, content_type = "application/x-ndjson", body = Object),
        (status = 404, body = ApiError), (status = 409, body = ApiError)
    )
)]
pub async fn run(
    State(api): State<Api>,
    Path((app, environment, task)): Path<(AppName, EnvironmentName, TaskName)>,
    Json(request): Json<RunTaskRequest>,
) -> Result<Response, Failed> {
    let key = EnvironmentKey { app, environment };
    let release = live_release(&api.world, &key)?;
    if !release.spec.tasks.contains_key(&task) {
        let names: Vec<&str> = release.spec.tasks.keys().map(TaskName::as_str).collect();
        let known = if names.is_empty() {
            "it has none".into()
        } else {
            names.join(", ")
        };
        let number = release.number;
        let message = format!("release {number} has no task {task}; tasks: {known}");
        return Err(Failed::not_found(message));
    }
    let (sender, receiver) = mpsc::channel(BUFFER);
    let world = api.world.clone();
    // Not tied to the connection: a task goes on when the one who asked for it is gone.
    tokio::spawn(async move { run_and_tell(world, key, release, task, request.by, sender).await });
    Ok(ndjson(ReceiverStream::new(receiver)))
}

fn live_release(world: &World, key: &EnvironmentKey) -> Result<Release, Failed> {
    let live = world.store.environment(key)?.and_then(|row| row.live);
    let row = live
        .map(|number| world.store.release(key, number))
        .transpose()?
        .flatten();
    row.map(|row| row.release).ok_or_else(|| {
        Cause::new(
            CauseKind::Refused,
            format!("nothing is deployed to {key} yet"),
        )
        .with_fix("run `landfall deploy` first")
        .into()
    })
}

async fn run_and_tell(
    world: World,
    key: EnvironmentKey,
    release: Release,
    task: TaskName,
    by: String,
    sender: mpsc::Sender<TaskOutput>,
) {
    let (lines, mut received) = mpsc::channel::<LogLine>(BUFFER);
    let redactor = Redactor::new([&release.spec]);
    let forward = async {
        while let Some(mut line) = received.recv().await {
            line.text = redactor.redact(&line.text);
            // Fails at once when the one who asked is gone; the lines are taken all the same.
            let _ = sender.send(TaskOutput::Line(line)).await;
        }
    };
    let (result, ()) = tokio::join!(run_task(&world, &release, &task, None, lines), forward);
    let ended = match result {
        Ok((ended, ms)) => {
            let ok = ended.exit.code == Some(0);
            let cause = match ok {
                true => None,
                false => Some(failure_cause(&world, &release, &task, &ended).await),
            };
            TaskOutput::Ended {
                ok,
                code: ended.exit.code,
                cause,
                ms,
            }
        }
        Err(cause) => TaskOutput::Ended {
            ok: false,
            code: None,
            cause: Some(cause),
            ms: 0,
        },
    };
    record(&world, &key, &task, by, &ended);
    let _ = sender.send(ended).await;
}

fn record(world: &World, key: &EnvironmentKey, task: &TaskName, by: String, ended: &TaskOutput) {
    let TaskOutput::Ended { ok, cause, ms, .. } = ended else {
        return;
    };
    let result = match cause {
        Some(cause) => cause.summary.clone(),
        None => format!("succeeded after {ms} ms"),
    };
    let row = OperationRow {
        at: world.now(),
        by,
        what: format!("ran task {task}"),
        ok: *ok,
        result,
    };
    if let Err(error) = world.store.insert_operation(key, &row) {
        tracing::error!(?error, "failed to write history");
    }
}
