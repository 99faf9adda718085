//! Lines of an instance's log, and which of them are wanted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which log lines are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Only the last lines.
    pub tail: Option<usize>,
    /// Only lines from this moment on.
    pub since: Option<Timestamp>,
}

/// A line of an instance's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was read from the process.
    pub at: Timestamp,
    /// Which stream it came from.
    pub stream: Stream,
    /// The text without its line end; invalid UTF-8 replaced.
    pub text: String,
}

/// How the shim begins to tell of its next attempt.
pub(crate) const RESTARTING: &str = "starting again";

impl LogLine {
    /// Whether the shim tells of its next attempt to start the process, which explains nothing of
    /// the last one.
    pub fn tells_a_restart(&self) -> bool {
        self.stream == Stream::Landfall && self.text.starts_with(RESTARTING)
    }
}

/// Where a log line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The shim's own word: exits, restarts, rotations, dropped lines.
    Landfall,
}
