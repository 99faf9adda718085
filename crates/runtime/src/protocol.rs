//! What is said on an instance's `control.sock`: one line of JSON each way.

use landfall_model::spec::StopSpec;
use serde::{Deserialize, Serialize};

use crate::InstanceStatus;

/// The name of the socket in the instance's directory.
pub(crate) const SOCKET: &str = "control.sock";

/// Longest accepted request line, in bytes. The longest known one is a tenth of it.
pub(crate) const MAX_REQUEST: usize = 1024;

/// A request to a shim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Request {
    /// One reply with the status.
    Status,
    /// Begins to stop; one reply at once. The connection ends when the instance is gone.
    Stop {
        /// Signal by name.
        signal: String,
        /// Time from the signal to the kill.
        grace_ms: u64,
    },
    /// A reply now and at every change.
    Watch,
    /// Stops as its spec says, and starts again at once.
    Restart,
}

impl Request {
    /// The request that stops an instance in this way.
    pub fn stop(spec: &StopSpec) -> Self {
        Self::Stop {
            signal: spec.signal.clone(),
            grace_ms: u64::try_from(spec.grace.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A reply of a shim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// What the instance is.
    Status {
        /// As everyone sees it.
        status: Box<InstanceStatus>,
        /// Whether it is being stopped for good.
        stopping: bool,
    },
    /// Why the request was refused.
    Error(String),
}
