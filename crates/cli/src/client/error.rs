//! How talking to the agent can fail.

use std::io;
use std::path::PathBuf;

use landfall_agent::api::types::ApiError;
use landfall_server::SshError;

use crate::command_error::{CommandError, ErrorKind};

/// A failed exchange with the agent.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens on the socket.
    #[error("failed to reach the agent at {socket}")]
    NotThere {
        /// The socket.
        socket: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The connection ended in the middle.
    #[error("lost the connection to the agent during {path}")]
    Broken {
        /// What was asked.
        path: String,
        /// Why.
        #[source]
        source: hyper::Error,
    },
    /// The agent took the request and gave no answer.
    #[error("the agent did not answer {path} within {seconds} s")]
    Silent {
        /// What was asked.
        path: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The request cannot be written.
    #[error("failed to build the request {path}")]
    Request {
        /// What was asked.
        path: String,
        /// Why.
        #[source]
        source: http::Error,
    },
    /// What was sent or received is not what both sides mean by it: most likely another version.
    #[error("failed to understand the agent about {path}")]
    Json {
        /// What was asked.
        path: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The server cannot be reached, or has no agent that answers.
    #[error(transparent)]
    Server(#[from] SshError),
    /// The agent says no.
    #[error("{}", .0.message)]
    Api(ApiError),
}

impl ClientError {
    pub(super) fn broken(path: &str, source: hyper::Error) -> Self {
        Self::Broken {
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the agent may answer the same question a moment later: it is being restarted.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotThere { .. } | Self::Broken { .. } => true,
            Self::Server(error) => matches!(
                error,
                SshError::Unreachable { .. }
                    | SshError::NoAgent { .. }
                    | SshError::Io { .. }
                    | SshError::Failed { .. }
            ),
            _ => false,
        }
    }

    /// The API's word for what is wrong, if the agent said so.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Api(error) => Some(&error.code),
            _ => None,
        }
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        let skew = "the agent may be of another version: \
                    `landfall agent stop && landfall agent start`";
        let kind = match &error {
            ClientError::NotThere { .. } | ClientError::Broken { .. } => ErrorKind::Unreachable,
            ClientError::Silent { .. } => ErrorKind::Unreachable,
            ClientError::Request { .. } => ErrorKind::Unexpected,
            ClientError::Json { .. } => {
                return Self::from_error(ErrorKind::Unexpected, &error).hint(skew);
            }
            ClientError::Server(error) => return error.into(),
            ClientError::Api(api) => return api_error(api),
        };
        let command = Self::from_error(kind, &error);
        match kind {
            ErrorKind::Unreachable => command.hint("`landfall agent status` tells what it does"),
            _ => command,
        }
    }
}

impl From<SshError> for CommandError {
    fn from(error: SshError) -> Self {
        Self::from(&error)
    }
}

impl From<&SshError> for CommandError {
    fn from(error: &SshError) -> Self {
        let command = Self::from_error(ErrorKind::Unreachable, error);
        let command = match error.said() {
            Some(said) => command.rendered(crate::printer::plain_lines(said)),
            None => command,
        };
        match error.fix() {
            Some(fix) => command.hint(fix),
            None => command,
        }
    }
}

fn api_error(api: &ApiError) -> CommandError {
    let kind = match api.code.as_str() {
        "refused" | "forbidden" | "plan-changed" | "not-found" => ErrorKind::Refused,
        "invalid" => ErrorKind::Usage,
        _ => ErrorKind::Unexpected,
    };
    let error = CommandError::new(kind, &api.message);
    match &api.fix {
        Some(fix) => error.hint(fix),
        None => error,
    }
}
