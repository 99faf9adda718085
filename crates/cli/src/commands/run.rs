//! `landfall run`.

use clap::Args;
use landfall_agent::api::types::{RunTaskRequest, TaskOutput};
use landfall_model::{Cause, TaskName};
use landfall_runtime::LogLine;
use serde::Serialize;

use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::{Context, asked_by};
use crate::deployment::cause_block;
use crate::exit::ExitCode;
use crate::printer::{self, Tone, human};

/// Run a task of the live release
///
/// The command runs as landfall.toml declares it, with files, environment and limits of its
/// service in the live release, and is kept in history. The exit code is 8 when it fails.
///
/// Examples:
///   landfall run seed
///   landfall run migrate --json | jq .code
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct RunArgs {
    /// The task, as landfall.toml names it
    #[arg(value_name = "TASK")]
    pub task: TaskName,
}

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct TaskResult<'a> {
    task: &'a TaskName,
    ok: bool,
    code: Option<i32>,
    cause: Option<Cause>,
    ms: u64,
    output: Vec<LogLine>,
}

/// Runs a task.
///
/// # Errors
/// When there is no such task, or the agent cannot be reached.
pub async fn cmd_run(context: &Context, args: &RunArgs) -> CommandResult {
    let printer = &context.printer;
    let project = context.project()?;
    let client = context.client().await?;
    let path = project.api(&format!("/tasks/{}", args.task));
    let request = RunTaskRequest { by: asked_by() };
    let mut told = client.post_lines::<TaskOutput>(&path, &request).await?;
    let mut output = Vec::new();
    while let Some(one) = told.next().await? {
        match one {
            TaskOutput::Line(line) => {
                printer.show(printer::keep_colours(&line.text));
                if printer.is_json() {
                    output.push(line);
                }
            }
            TaskOutput::Ended {
                ok,
                code,
                cause,
                ms,
            } => {
                let task = &args.task;
                let result = TaskResult {
                    task,
                    ok,
                    code,
                    cause,
                    ms,
                    output,
                };
                return Ok(tell(context, &result));
            }
        }
    }
    let message = format!("the agent did not say how task {} ended", args.task);
    Err(CommandError::new(ErrorKind::Unreachable, message))
}

fn tell(context: &Context, result: &TaskResult<'_>) -> ExitCode {
    let printer = &context.printer;
    printer.json(result);
    let paint = printer.err_paint();
    let (task, took) = (result.task, human::took(result.ms));
    if result.ok {
        printer.note(format!("task {task} succeeded in {took}"));
        return ExitCode::Ok;
    }
    let mark = paint.tone(Tone::Bad, "✗");
    let mut failure = format!("{mark} task {task} failed after {took}\n");
    if let Some(cause) = &result.cause {
        failure.push_str(&cause_block(cause, paint, printer.width()));
    }
    printer.error(failure);
    ExitCode::TaskFailed
}
