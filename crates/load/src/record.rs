//! What is written down of each request.

use std::fmt;
use std::time::Duration;

/// A text that many records share; [`crate::LoadReport::text`] tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(pub(crate) u16);

/// A request or WebSocket message, from before it was sent until it was answered or lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which client sent it.
    pub kind: Kind,
    /// When the exchange that it belongs to began, counted from the start of the load: for a
    /// WebSocket message the opening of its session, else the same as `started`.
    pub opened: Duration,
    /// When it was begun; before connecting, where it needed a connection.
    pub started: Duration,
    /// When the last byte of its answer was there, or it was lost.
    pub ended: Duration,
    /// What became of it.
    pub outcome: Outcome,
}

/// The kind of client that a record comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A request on a connection that is kept.
    KeepAlive,
    /// A request on a connection of its own.
    NewConnection,
    /// A request that takes its time.
    Slow,
    /// The opening of a WebSocket.
    WebSocketOpen,
    /// A message on a WebSocket.
    WebSocketMessage,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered completely.
    Answered {
        /// HTTP status; 101 for WebSocket messages.
        status: u16,
        /// The version that the answer told.
        version: Option<Label>,
        /// The proxy's reason for answering in the app's place. Such a request failed.
        proxy_error: Option<Label>,
    },
    /// It was not.
    Failed(Failure),
}

impl Outcome {
    /// Whether a user lost this request.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Answered { proxy_error, .. } => proxy_error.is_some(),
            Self::Failed(_) => true,
        }
    }

    /// Whether the app itself answered with an error.
    pub fn is_app_error(&self) -> bool {
        matches!(
            self,
            Self::Answered {
                status: 400..,
                proxy_error: None,
                ..
            }
        )
    }

    /// The version that answered.
    pub fn version(&self) -> Option<Label> {
        match self {
            Self::Answered { version, .. } => *version,
            Self::Failed(_) => None,
        }
    }
}

/// How a request was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// Nobody accepted the connection.
    Refused,
    /// The connection was reset.
    Reset,
    /// The connection ended before the answer was complete.
    ClosedEarly,
    /// The answer was not complete in time.
    Timeout,
    /// What came is not HTTP.
    BadAnswer,
    /// What came is not a WebSocket frame, or not the echo of what was sent.
    BadFrame,
    /// A WebSocket ended without a close frame, or with one that tells of an error.
    AbnormalClose,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::ClosedEarly => "closed early",
            Self::Timeout => "timed out",
            Self::BadAnswer => "bad answer",
            Self::BadFrame => "bad frame",
            Self::AbnormalClose => "closed abnormally",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeepAlive => "keep-alive request",
            Self::NewConnection => "request on a new connection",
            Self::Slow => "slow request",
            Self::WebSocketOpen => "opening of a WebSocket",
            Self::WebSocketMessage => "WebSocket message",
        })
    }
}
