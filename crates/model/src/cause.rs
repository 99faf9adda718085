//! Why something failed, said so that a person can act on it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of failure that Landfall tells apart. Kebab-case in JSON; stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// The build command failed, or made no output.
    BuildFailed,
    /// The process exited before it was ready.
    ExitedAtStart,
    /// The process exited again and again.
    CrashLoop,
    /// Nothing listened on the port that the instance was given.
    NeverListened,
    /// The process listens, but on another port than it was given.
    WrongPort,
    /// The readiness check got answers, never an accepted one.
    Unhealthy,
    /// The kernel killed the process for its memory.
    OutOfMemory,
    /// A task failed before the switch.
    TaskFailed,
    /// A task or step did not end within its time.
    TimedOut,
    /// A smoke check got another answer than it expects.
    SmokeFailed,
    /// The public address does not serve the release that was shipped.
    WrongVersion,
    /// The new release answered real traffic clearly worse than the old one.
    WorseThanBefore,
    /// No space is left where Landfall writes.
    DiskFull,
    /// Something else holds the port that is needed.
    PortInUse,
    /// An artifact that the release needs is gone.
    ArtifactGone,
    /// The proxy did not take the routes.
    ProxyUnavailable,
    /// A person cancelled it.
    Cancelled,
    /// The agent stopped in the middle and undid the deployment when it came back.
    Interrupted,
    /// The request contradicts the state of the environment.
    Refused,
    /// A defect of Landfall or of the machine.
    Internal,
}

impl fmt::Display for CauseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_value(self).map_err(|_| fmt::Error)?;
        f.pad(json.as_str().ok_or(fmt::Error)?)
    }
}

/// A failure with its evidence and, where known, what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What kind of failure this is.
    pub kind: CauseKind,
    /// One sentence that stands alone, without a period.
    pub summary: String,
    /// Lines that prove it: log lines, addresses, statuses. Redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What to do, where Landfall knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Cause {
    /// A cause without evidence yet.
    pub fn new(kind: CauseKind, summary: impl Into<String>) -> Self {
        Self {
            kind,
            summary: summary.into(),
            evidence: Vec::new(),
            fix: None,
        }
    }

    /// The same with more evidence.
    pub fn with_evidence(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(lines);
        self
    }

    /// The same with what to do.
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

impl std::error::Error for Cause {}
