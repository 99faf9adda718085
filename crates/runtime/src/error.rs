//! What can go wrong with an instance.

use std::path::PathBuf;

use landfall_model::InstanceId;

/// A failure of the runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No instance has this id.
    #[error("no instance {0}")]
    NotFound(InstanceId),
    /// The instance could not be started.
    #[error("failed to start instance {id}: {message}")]
    Start {
        /// Which.
        id: InstanceId,
        /// Why, for a person.
        message: String,
    },
    /// A file operation failed.
    #[error("failed to {operation} {path}")]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The shim did not answer as it should.
    #[error("shim of instance {id} {message}")]
    Shim {
        /// Which.
        id: InstanceId,
        /// What it did.
        message: String,
    },
}
