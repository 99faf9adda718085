//! Forwards a request to an instance, and to another one when the first never saw it.

use std::io;

use super::client::{Client, Transport};
use super::exchange::{End, Exchange};
use super::receive::{Errand, Receive};
use super::request::Request;
use super::request_head::write_request_head;
use super::send::Send;
use super::serve::{Next, Outcome};
use crate::fault::Fault;
use crate::routing::{Admission, Lease, Refusal};
use crate::upstream::UpstreamConn;
use crate::worker::Worker;

/// Instances that are tried before the request is given up.
const MAX_INSTANCES: usize = 3;

/// How one attempt ended.
enum Attempt {
    /// The client has its answer, or is gone.
    Over(Next),
    /// The client must be answered with this.
    Failed(Fault),
    /// A kept connection turned out to be closed, and the request can be repeated.
    Stale,
    /// The instance did not take a connection.
    NotConnected(Fault),
}

/// Forwards `request` as it was admitted. A fault means that nothing was sent to the client.
pub(super) async fn forward<S: Transport>(
    client: &mut Client<S>,
    worker: &Worker,
    request: &Request,
    mut admission: Admission,
    outcome: &mut Outcome,
) -> Result<Next, Fault> {
    let mut tried = Vec::new();
    let mut may_reuse = true;
    loop {
        let Some(lease) = admission.lease.take() else {
            return Err(Fault::NoInstance);
        };
        let key = lease.target().instance.key;
        outcome.set_target(lease.target());
        let attempt = attempt(
            client, worker, request, &admission, lease, may_reuse, outcome,
        )
        .await;
        let fault = match attempt {
            Attempt::Over(next) => return Ok(next),
            Attempt::Failed(fault) => return Err(fault),
            Attempt::Stale => {
                may_reuse = false;
                Fault::Reset
            }
            Attempt::NotConnected(fault) => {
                tried.push(key);
                fault
            }
        };
        if tried.len() >= MAX_INSTANCES {
            return Err(fault);
        }
        let again = worker
            .shared
            .admit(&tried, |routing| request.route(routing));
        admission = match again {
            Ok(again) if again.lease.is_some() => again,
            Ok(_) => return Err(fault),
            Err(Refusal { fault: why, .. }) => {
                return Err(if tried.is_empty() { why } else { fault });
            }
        };
        outcome.route = Some(admission.route.clone());
    }
}

async fn attempt<S: Transport>(
    client: &mut Client<S>,
    worker: &Worker,
    request: &Request,
    admission: &Admission,
    lease: Lease,
    may_reuse: bool,
    outcome: &mut Outcome,
) -> Attempt {
    let mut upstream = match connect(worker, request, &lease, may_reuse).await {
        Ok(upstream) => upstream,
        Err(fault) => return Attempt::NotConnected(fault),
    };
    let mut head = worker.buffers.take_vec();
    write_request_head(&mut head, request, &admission.route);
    client.timer.set(worker.shared.limits.client_idle);
    let mut exchange = Exchange {
        errand: Errand {
            worker,
            request,
            route: &admission.route,
            target: lease.target(),
        },
        client: &mut *client,
        upstream: &mut upstream,
        send: Send::new(head, request.head.body, worker.shared.limits.body),
        receive: Receive::new(worker.buffers.take_vec()),
    };
    let end = exchange.run().await;
    let Exchange { send, receive, .. } = exchange;
    outcome.status = receive.status;
    outcome.bytes = receive.bytes;
    outcome.head_at = receive.head_at;
    let keeps_client = receive.keeps_client;
    let keeps_upstream = receive.keeps_upstream;
    let has_begun = receive.has_begun;
    let is_sent = send.is_finished();
    worker.buffers.give_vec(send.into_head());
    worker.buffers.give_vec(receive.into_out());
    match end {
        End::Whole => {
            if keeps_upstream {
                park(worker, admission.epoch, &lease, upstream);
            } else {
                drop_buf(&mut upstream, worker);
            }
            Attempt::Over(match (keeps_client, is_sent) {
                (true, _) => Next::KeepAlive,
                (false, true) => Next::Close,
                (false, false) => Next::Linger,
            })
        }
        End::Upgraded => Attempt::Over(Next::Tunnel(Box::new((upstream, lease)))),
        End::Failed(Fault::Reset)
            if upstream.is_reused && !has_begun && request.is_repeatable() =>
        {
            Attempt::Stale
        }
        End::Failed(fault) => Attempt::Failed(fault),
        End::ClientGone => {
            outcome.error = Some("client-gone");
            Attempt::Over(Next::Abort)
        }
        End::Cut(word) => {
            outcome.error = Some(word);
            Attempt::Over(Next::Abort)
        }
    }
}

/// A connection to the instance: a kept one where it is safe, otherwise a new one.
async fn connect(
    worker: &Worker,
    request: &Request,
    lease: &Lease,
    may_reuse: bool,
) -> Result<UpstreamConn, Fault> {
    let limits = &worker.shared.limits;
    let target = lease.target();
    if may_reuse && !request.is_upgrade {
        let age = if request.is_repeatable() {
            limits.pool_idle
        } else {
            limits.pool_fresh
        };
        if let Some(conn) = worker.pool.take(target.instance.key, age) {
            return Ok(conn);
        }
    }
    match UpstreamConn::connect(target.address, limits.connect).await {
        Ok(conn) => {
            target.instance.resume();
            Ok(conn)
        }
        Err(error) => Err(on_connect_error(worker, lease, &error)),
    }
}

/// Sets an instance aside that refuses connections; not when the proxy is to blame.
pub(crate) fn on_connect_error(worker: &Worker, lease: &Lease, error: &io::Error) -> Fault {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable};
    let target = lease.target();
    let fault = match error.kind() {
        io::ErrorKind::TimedOut => Fault::ConnectTimeout,
        ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable => {
            Fault::ConnectFailed
        }
        _ => {
            tracing::error!(%error, instance = %target.instance.id, "cannot open a connection to an instance");
            return Fault::Internal;
        }
    };
    let now = worker.shared.millis();
    // Once per pause: the only instance is tried for every request.
    if !target.instance.is_paused(now) {
        tracing::warn!(
            %error,
            instance = %target.instance.id,
            address = %target.address,
            "an instance does not accept connections"
        );
    }
    target.instance.pause(now);
    fault
}

fn park(worker: &Worker, epoch: u64, lease: &Lease, mut upstream: UpstreamConn) {
    let shared = &worker.shared;
    drop_buf(&mut upstream, worker);
    let key = lease.target().instance.key;
    if shared.epoch() == epoch || shared.routing().has_instance(key) {
        worker.pool.park(key, upstream, &shared.limits);
    }
}

fn drop_buf(upstream: &mut UpstreamConn, worker: &Worker) {
    let left = upstream.buf.data().len();
    upstream.buf.consume(left);
    upstream.buf.release(&worker.buffers);
}
