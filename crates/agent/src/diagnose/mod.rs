//! Causes recognised from how a process ended and what it wrote. The catalogue is data.

mod catalogue;

use landfall_model::{Cause, CauseKind};
use landfall_runtime::{Exit, ExitReason};

pub use catalogue::{Finding, find};

/// Why a process that should run does not.
pub fn exit_cause(service: &str, exit: &Exit, lines: &[String]) -> Cause {
    let after = seconds(exit.ran_ms);
    let how = describe_exit(exit);
    let mut cause = match exit.reason {
        ExitReason::OutOfMemory => {
            let message =
                format!("{service} was killed by the kernel for its memory after {after}");
            Cause::new(CauseKind::OutOfMemory, message)
                .with_fix("raise `limits.memory`, or find what the process keeps")
        }
        ExitReason::CouldNotStart => {
            let message = format!("the program of {service} could not be executed");
            Cause::new(CauseKind::ExitedAtStart, message)
                .with_fix("check `run` and `dir`: the program must be in the release or in PATH")
        }
        _ => Cause::new(
            CauseKind::ExitedAtStart,
            format!("{service} {how} after {after}"),
        ),
    };
    if let Some(finding) = find(lines) {
        cause.summary = format!("{}: {}", cause.summary, finding.summary);
        cause.fix = Some(finding.fix);
        cause.evidence.push(finding.line);
    }
    cause
}

/// How a process ended, for a person: `exited with code 1`, `was killed by signal 9 (SIGKILL)`.
pub fn describe_exit(exit: &Exit) -> String {
    match (exit.reason, exit.code, exit.signal) {
        (ExitReason::OutOfMemory, _, _) => "was killed by the kernel for its memory".into(),
        (ExitReason::CouldNotStart, _, _) => "could not be executed".into(),
        (ExitReason::Stopped, _, _) => "stopped when asked".into(),
        (ExitReason::StopTimedOut, _, _) => "did not stop in its grace time and was killed".into(),
        (_, Some(code), _) => format!("exited with code {code}"),
        (reason, _, Some(signal)) => {
            let by = if reason == ExitReason::KilledByOther {
                " sent by someone else"
            } else {
                ""
            };
            format!("was killed by signal {signal}{by}")
        }
        _ => "ended".into(),
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
