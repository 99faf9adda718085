//! Why a process ended, from what the kernel tells and what the shim itself did.

use std::time::Duration;

use jiff::Timestamp;

use super::lifecycle::Stopping;
use crate::{Exit, ExitReason, signal};

/// Reads a wait status.
pub(crate) fn classify(
    status: i32,
    ran: Duration,
    was_short_of_memory: bool,
    stopping: Option<&Stopping>,
) -> Exit {
    let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
    let number = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
    let reason = match (stopping, number) {
        (Some(stop), Some(libc::SIGKILL)) if stop.was_killed => ExitReason::StopTimedOut,
        (Some(_), _) => ExitReason::Stopped,
        (None, Some(libc::SIGKILL)) if was_short_of_memory => ExitReason::OutOfMemory,
        (None, Some(number)) if !signal::is_own_fault(number) => ExitReason::KilledByOther,
        (None, _) => ExitReason::Itself,
    };
    Exit {
        at: Timestamp::now(),
        code,
        signal: number,
        reason,
        ran_ms: millis(ran),
    }
}

/// The exit of a program that never ran.
pub(crate) fn could_not_start() -> Exit {
    Exit {
        at: Timestamp::now(),
        code: None,
        signal: None,
        reason: ExitReason::CouldNotStart,
        ran_ms: 0,
    }
}

/// The exit in words, for the log.
pub(crate) fn describe(exit: &Exit) -> String {
    let what = match (exit.code, exit.signal) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "could not be started".to_owned(),
    };
    let why = match exit.reason {
        ExitReason::Itself | ExitReason::CouldNotStart => "",
        ExitReason::OutOfMemory => ", by the kernel, for memory",
        ExitReason::Stopped => ", as it was asked to",
        ExitReason::StopTimedOut => ", because it did not stop in time",
        ExitReason::KilledByOther => ", by someone else",
    };
    format!("{what}{why}, after {} ms", exit.ran_ms)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
