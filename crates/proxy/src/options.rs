//! What the proxy is told when it starts, and how it can fail.

use std::io;
use std::path::PathBuf;

use crate::limits::Limits;

/// How a proxy runs. Everything else comes with snapshots.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    /// Unix socket for snapshots and status: `run/proxy.sock`.
    pub control: PathBuf,
    /// Directory of `snapshot.json` and `access.log`.
    pub state_dir: PathBuf,
    /// Threads that serve; one per core when `None`.
    pub workers: Option<usize>,
    /// Take over from the proxy that serves now, if there is one.
    pub takeover: bool,
    /// Limits.
    pub limits: Limits,
}

impl ProxyOptions {
    /// With one worker per core and the usual limits.
    pub fn new(control: impl Into<PathBuf>, state_dir: impl Into<PathBuf>) -> Self {
        Self {
            control: control.into(),
            state_dir: state_dir.into(),
            workers: None,
            takeover: false,
            limits: Limits::default(),
        }
    }
}

/// Why a proxy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A successor serves.
    HandedOver,
    /// A signal asked it to.
    BySignal,
}

/// Why a proxy could not start. What happens later is logged and does not end it.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// Another proxy answers on the control socket, and no take-over was asked for.
    #[error("another proxy is serving on {0}")]
    AlreadyServing(PathBuf),
    /// The control socket cannot be made.
    #[error("listen on the control socket {path}")]
    Control {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of the state directory cannot be used.
    #[error("open {path}")]
    State {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A thread or runtime cannot be started.
    #[error("start a thread")]
    Thread(#[source] io::Error),
    /// The predecessor did not hand over. It is still serving.
    #[error("take over from the proxy that serves now")]
    Takeover(#[source] io::Error),
}
