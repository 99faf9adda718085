//! Why an agent does not answer, for a person.

use landfall_agent::paths::StatePaths;
use landfall_model::InstanceId;
use landfall_runtime::process::ProcessRuntime;
use landfall_runtime::{InstanceState, InstanceStatus, LogQuery, Runtime};

use crate::client::ClientError;
use crate::command_error::{CommandError, ErrorKind};
use crate::printer::{self, Printer};

/// Log lines shown of an agent that does not come up.
const LOG_LINES: usize = 12;

/// Says why an agent that runs does not answer, before it is waited for.
pub(super) fn explain_silence(
    printer: &Printer,
    paths: &StatePaths,
    status: Option<&InstanceStatus>,
) {
    let Some(status) = status else { return };
    let socket = paths.agent_socket();
    let text = match &status.state {
        InstanceState::Running { pid, .. } if !socket.exists() => format!(
            "the agent runs (process {pid}), but its socket {} is gone; waiting until it puts it \
             back",
            socket.display()
        ),
        InstanceState::Running { pid, .. } => {
            format!("the agent runs (process {pid}) and does not answer yet; waiting")
        }
        InstanceState::BackingOff { .. } | InstanceState::CrashLooping { .. } => {
            "the agent is being restarted; waiting".into()
        }
        InstanceState::Exited | InstanceState::Lost => return,
    };
    printer.note(text);
}

/// The error of an agent that was waited for in vain, with the end of its log.
pub(super) async fn failed_start(
    runtime: &ProcessRuntime,
    id: &InstanceId,
    error: &ClientError,
    is_hopeless: bool,
) -> CommandError {
    let what = match is_hopeless {
        true => "the agent exits as soon as it starts",
        false => "the agent runs and does not answer",
    };
    let failed = CommandError::from_error(ErrorKind::Unreachable, error).during(what);
    let query = LogQuery {
        tail: Some(LOG_LINES),
        since: None,
    };
    let failed = match runtime.logs(id, &query).await {
        Ok(lines) if !lines.is_empty() => {
            let text: Vec<String> = lines
                .iter()
                .map(|line| format!("  {}", printer::plain(&line.text)))
                .collect();
            failed.rendered(format!(
                "the end of the agent's log:\n\n{}",
                text.join("\n")
            ))
        }
        _ => failed,
    };
    match is_hopeless {
        true => {
            failed.hint("its whole log is in the directory `system/agent` of the state directory")
        }
        false => failed.hint(
            "`landfall agent stop && landfall agent start` replaces it; apps and proxy stay up",
        ),
    }
}
