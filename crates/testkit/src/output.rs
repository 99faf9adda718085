//! What a command printed, and what tests expect of it.

use std::process::{Command, Stdio};

use serde_json::Value;

/// What a command printed, and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// The command itself.
    pub(crate) line: String,
}

impl Output {
    /// Runs a command to its end. It must not leave anything behind that holds its output open.
    ///
    /// # Panics
    /// When there is no such program.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::with_input(command, Stdio::null())
    }

    /// As [`Output::of`], of a command that reads something.
    ///
    /// # Panics
    /// When there is no such program.
    pub(crate) fn with_input(command: &mut Command, input: impl Into<Stdio>) -> Self {
        let line = format!("{command:?}");
        let output = command.stdin(input).output();
        let output = output.unwrap_or_else(|error| panic!("{line}: {error}"));
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            line,
        }
    }

    /// This output, of a command that succeeded.
    ///
    /// # Panics
    /// When it did not; the message holds all it printed.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.code == Some(0), "{self:#}");
        self
    }

    /// This output, of a command that failed with an exit code of its own.
    ///
    /// # Panics
    /// When it succeeded or died by a signal; the message holds all it printed.
    #[track_caller]
    pub fn failed(self) -> Self {
        assert!(self.code.is_some_and(|code| code != 0), "{self:#}");
        self
    }

    /// This output, of a command that failed with this exit code.
    ///
    /// # Panics
    /// When it ended otherwise; the message holds all it printed.
    #[track_caller]
    pub fn fails_with(self, code: i32) -> Self {
        assert!(self.code == Some(code), "{self:#}");
        self
    }

    /// The standard output as JSON.
    ///
    /// # Panics
    /// When it is not JSON; the message holds all it printed.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#}"))
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            code,
            stdout,
            stderr,
            line,
        } = self;
        write!(
            f,
            "{line}\nended with {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}
