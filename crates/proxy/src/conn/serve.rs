//! The life of a client's connection.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::answer::answer;
use super::client::{Client, NoHead, RestState, Transport};
use super::reply::reply_unread;
use super::request::Request;
use super::tunnel::tunnel;
use crate::http1::BodyKind;
use crate::routing::{Lease, RouteEntry, TargetEntry};
use crate::upstream::UpstreamConn;
use crate::worker::Worker;

/// What becomes of a connection after an answer.
#[derive(Debug)]
pub(super) enum Next {
    /// It takes the next request.
    KeepAlive,
    /// It is closed.
    Close,
    /// It is closed, but the client may still be sending.
    Linger,
    /// It is closed in a way that tells the client that the answer is not whole.
    Abort,
    /// It carries something else than HTTP from now on.
    Tunnel(Box<(UpstreamConn, Lease)>),
}

impl Next {
    /// After a whole answer by the proxy itself, which reads no bodies.
    pub(super) fn after_own_answer(request: &Request, keep_alive: bool) -> Self {
        match (keep_alive, request.head.body) {
            (true, _) => Self::KeepAlive,
            (false, BodyKind::Empty) => Self::Close,
            (false, _) => Self::Linger,
        }
    }
}

/// What is logged and counted about an answer.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) status: u16,
    pub(super) bytes: u64,
    pub(super) head_at: Option<Instant>,
    pub(super) route: Option<Arc<RouteEntry>>,
    pub(super) target: Option<Arc<TargetEntry>>,
    pub(super) error: Option<&'static str>,
}

impl Outcome {
    pub(super) fn set_target(&mut self, target: &Arc<TargetEntry>) {
        self.target = Some(target.clone());
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve<S: Transport + ResetOnClose>(
    io: S,
    ip: IpAddr,
    worker: Rc<Worker>,
    rest: Rc<RestState>,
) {
    let limits = worker.shared.limits;
    let mut client = Client::new(io, ip, rest, limits.head_time);
    loop {
        let next = match client.read_head(&worker).await {
            Ok(length) => answer(&mut client, &worker, length).await,
            Err(NoHead::Ended) => return,
            Err(NoHead::Fault(fault)) => reply_unread(&mut client, &worker, fault).await,
        };
        match next {
            Next::KeepAlive => client.timer.set(limits.keep_alive),
            Next::Close if client.buf.is_empty() => return,
            Next::Close | Next::Linger => return client.linger(&worker).await,
            Next::Abort => return client.io.reset_on_close(),
            Next::Tunnel(upgraded) => {
                let (upstream, lease) = *upgraded;
                tunnel(client.io, client.buf, upstream.io, upstream.buf, &worker).await;
                return drop(lease);
            }
        }
    }
}

/// A stream whose close can be made visible as an error.
pub(crate) trait ResetOnClose {
    /// From now on a close resets the connection.
    fn reset_on_close(&self);
}

impl ResetOnClose for tokio::net::TcpStream {
    fn reset_on_close(&self) {
        let linger = socket2::SockRef::from(self).set_linger(Some(std::time::Duration::ZERO));
        if let Err(error) = linger {
            report(&error);
        }
    }
}

fn report(error: &io::Error) {
    tracing::debug!(%error, "cannot make a close visible as a reset");
}
