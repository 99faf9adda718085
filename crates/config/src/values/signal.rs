//! Names of signals.

use crate::diagnostics::nearest;
use crate::reader::Problem;

/// Signals that a process can be asked to stop with.
const SIGNALS: &[&str] = &[
    "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGALRM",
    "SIGABRT", "SIGKILL",
];

/// The full name of a signal; `TERM` and `sigterm` are understood.
pub(crate) fn signal(text: &str) -> Result<String, Problem> {
    let upper = text.trim().to_ascii_uppercase();
    let full = if upper.starts_with("SIG") {
        upper
    } else {
        format!("SIG{upper}")
    };
    if SIGNALS.contains(&full.as_str()) {
        return Ok(full);
    }
    let problem = Problem::new("invalid-signal", format!("{text:?} is not a stop signal"))
        .label("not a signal");
    Err(match nearest(&full, SIGNALS.iter().copied()) {
        Some(meant) => problem.fix(format!("did you mean `{meant}`?")),
        None => problem.fix(format!("known signals: {}", SIGNALS.join(", "))),
    })
}
