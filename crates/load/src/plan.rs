//! What load to make.

use std::net::SocketAddr;
use std::time::Duration;

/// How many users of which kind, and what they ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadPlan {
    /// Where to connect.
    pub target: SocketAddr,
    /// The Host header of every request.
    pub host: String,
    /// Clients that keep one connection and send request after request on it.
    pub keep_alive: usize,
    /// Clients that open a connection for every request.
    pub new_connections: usize,
    /// Clients that hold a WebSocket and want every message echoed.
    pub websockets: usize,
    /// Clients that ask for `slow_path` again and again on one connection.
    pub slow: usize,
    /// What the keep-alive and new-connection clients ask for, in turn.
    pub paths: Vec<String>,
    /// What the slow clients ask for.
    pub slow_path: String,
    /// Where the WebSockets connect.
    pub websocket_path: String,
    /// Requests per second of each keep-alive and new-connection client; 0 is as many as it can.
    pub pace: f64,
    /// Time between the messages of a WebSocket.
    pub message_every: Duration,
    /// An answer that takes longer than this is a failure.
    pub timeout: Duration,
    /// The response header in which the app tells its version.
    pub version_header: String,
}

impl LoadPlan {
    /// A gentle mix of all kinds for an app with the endpoints of `examples/hello`: about 100
    /// requests per second.
    pub fn new(target: SocketAddr, host: impl Into<String>) -> Self {
        Self {
            target,
            host: host.into(),
            keep_alive: 4,
            new_connections: 2,
            websockets: 2,
            slow: 2,
            paths: vec!["/".into(), "/version".into()],
            slow_path: "/slow?ms=2000".into(),
            websocket_path: "/ws".into(),
            pace: 15.0,
            message_every: Duration::from_millis(100),
            timeout: Duration::from_secs(30),
            version_header: "x-version".into(),
        }
    }

    /// The same plan without any client: a start for those who want only some kinds.
    pub fn idle(target: SocketAddr, host: impl Into<String>) -> Self {
        Self {
            keep_alive: 0,
            new_connections: 0,
            websockets: 0,
            slow: 0,
            ..Self::new(target, host)
        }
    }

    /// Time between the requests of one paced client; `None` without a pace.
    pub(crate) fn period(&self) -> Option<Duration> {
        (self.pace > 0.0).then(|| Duration::from_secs_f64(1.0 / self.pace))
    }
}
