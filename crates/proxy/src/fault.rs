//! What the proxy answers itself: which status, which word, and whose fault it is.

use crate::http1::Reject;

/// Why the proxy answers in the app's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request breaks a rule of HTTP.
    Malformed(Reject),
    /// The head did not arrive in time.
    HeadTimeout,
    /// The body did not arrive in time.
    BodyTimeout,
    /// No route matches.
    NoRoute,
    /// The token names no candidate.
    UnknownCandidate,
    /// The service has no instance that is ready.
    NoInstance,
    /// The service was stopped.
    Stopped,
    /// No instance accepted a connection.
    ConnectFailed,
    /// No instance accepted a connection in time.
    ConnectTimeout,
    /// The instance closed the connection before it answered.
    Reset,
    /// What the instance answered is not HTTP that can be passed on.
    BadResponse,
    /// The instance did not answer in time.
    ResponseTimeout,
    /// The proxy itself could not: out of file descriptors and the like.
    Internal,
}

impl Fault {
    /// The status to answer with.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Malformed(Reject::HeadTooLarge) => 431,
            Self::Malformed(Reject::BodyTooLarge) => 413,
            Self::Malformed(Reject::Method) => 405,
            Self::Malformed(Reject::Version) => 505,
            Self::Malformed(_) => 400,
            Self::HeadTimeout | Self::BodyTimeout => 408,
            Self::NoRoute | Self::UnknownCandidate => 404,
            Self::NoInstance | Self::Stopped => 503,
            Self::ConnectFailed | Self::Reset | Self::BadResponse => 502,
            Self::ConnectTimeout | Self::ResponseTimeout => 504,
            Self::Internal => 500,
        }
    }

    /// The kebab-case word for headers and logs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Malformed(Reject::HeadTooLarge) => "head-too-large",
            Self::Malformed(Reject::BodyTooLarge) => "body-too-large",
            Self::Malformed(Reject::Method) => "method-not-allowed",
            Self::Malformed(Reject::Version) => "version-not-supported",
            Self::Malformed(_) => "bad-request",
            Self::HeadTimeout | Self::BodyTimeout => "request-timeout",
            Self::NoRoute => "no-route",
            Self::UnknownCandidate => "unknown-candidate",
            Self::NoInstance => "no-instance",
            Self::Stopped => "stopped",
            Self::ConnectFailed => "connect-failed",
            Self::ConnectTimeout => "connect-timeout",
            Self::Reset => "upstream-reset",
            Self::BadResponse => "bad-response",
            Self::ResponseTimeout => "response-timeout",
            Self::Internal => "proxy-error",
        }
    }

    /// One sentence for the person who sees the answer: whose fault, and whether to try again.
    pub(crate) fn sentence(self) -> String {
        let text = match self {
            Self::Malformed(reject) => {
                return format!("The request was refused because {reject}.");
            }
            Self::HeadTimeout | Self::BodyTimeout => "The request did not arrive in time.",
            Self::NoRoute => "Nothing is served at this address.",
            Self::UnknownCandidate => "No release is being rehearsed under this token.",
            Self::NoInstance => "The app has no instance that is ready. Try again in a moment.",
            Self::Stopped => "The app is stopped.",
            Self::ConnectFailed => {
                "The app does not accept connections. It has not seen the request; try again in a moment."
            }
            Self::ConnectTimeout => {
                "The app did not accept a connection in time. It has not seen the request; try again in a moment."
            }
            Self::Reset => {
                "The app closed the connection before it answered. It may have acted on the request."
            }
            Self::BadResponse => "The app answered with something that is not valid HTTP.",
            Self::ResponseTimeout => {
                "The app did not answer in time. It may still be acting on the request."
            }
            Self::Internal => "The proxy could not serve the request. Try again in a moment.",
        };
        text.to_owned()
    }

    /// Whether it counts as an error that users of the app met.
    pub(crate) fn is_proxy_error(self) -> bool {
        matches!(self.status(), 502..=504)
    }
}
