//! Answers one request: the order of decisions, from its head to the access log.

use std::sync::Arc;
use std::time::Instant;

use super::client::{Client, Transport};
use super::forward::forward;
use super::reply::{reply, reply_unread};
use super::request::Request;
use super::serve::{Next, Outcome};
use super::static_files::serve_file;
use crate::access_log::Line;
use crate::fault::Fault;
use crate::http1::{BodyKind, Decoder, Reject};
use crate::routing::{CounterCells, ServiceUpstream};
use crate::worker::Worker;

/// Answers the request whose head is the first `length` bytes of the buffer.
pub(super) async fn answer<S: Transport>(
    client: &mut Client<S>,
    worker: &Worker,
    length: usize,
) -> Next {
    let request = {
        let (head, body) = client.buf.data().split_at(length);
        let routing = worker.shared.routing();
        let fields = worker.fields.take();
        Request::read(head, client.ip, &routing, &worker.buffers, fields)
            .and_then(|request| check_body(request, body, worker))
    };
    let request = match request {
        Ok(request) => request,
        Err(fault) => return reply_unread(client, worker, fault).await,
    };
    client.buf.consume(length);
    if client.buf.is_empty() {
        client.buf.release(&worker.buffers);
    }
    let mut outcome = Outcome::default();
    let next = match respond(client, worker, &request, &mut outcome).await {
        Ok(next) => next,
        Err(fault) => {
            if fault.is_proxy_error() {
                count_proxy_error(worker, &request, &outcome);
            }
            reply(client, worker, &request, fault, &mut outcome).await
        }
    };
    log(worker, &request, &outcome);
    worker.fields.replace(request.head.fields);
    worker.buffers.give_vec(request.raw);
    next
}

/// Refuses a body that is known to be bad before anything of the request is forwarded.
fn check_body(request: Request, body: &[u8], worker: &Worker) -> Result<Request, Fault> {
    match request.head.body {
        BodyKind::Length(length) if length > worker.shared.limits.body => {
            Err(Fault::Malformed(Reject::BodyTooLarge))
        }
        BodyKind::Chunked => Decoder::new(BodyKind::Chunked)
            .advance(body)
            .map(|_| request)
            .map_err(Fault::Malformed),
        _ => Ok(request),
    }
}

async fn respond<S: Transport>(
    client: &mut Client<S>,
    worker: &Worker,
    request: &Request,
    outcome: &mut Outcome,
) -> Result<Next, Fault> {
    let admission = worker
        .shared
        .admit(&[], |routing| request.route(routing))
        .map_err(|refusal| {
            outcome.route = refusal.route;
            refusal.fault
        })?;
    outcome.route = Some(admission.route.clone());
    match &admission.route.service.upstream {
        ServiceUpstream::Files(root) => {
            serve_file(client, worker, request, &admission.route, root, outcome).await
        }
        _ => forward(client, worker, request, admission, outcome).await,
    }
}

/// Counts an answer as soon as its head is there: a stream may go on for hours, and whoever compares
/// releases must not wait for its end.
pub(super) fn count_answer(
    worker: &Worker,
    request: &Request,
    counters: Option<&Arc<CounterCells>>,
    status: u16,
    head_at: Instant,
) {
    if let Some(counters) = counters.filter(|_| request.is_counted()) {
        let latency = head_at.saturating_duration_since(request.started);
        counters.count_answer(worker.index, status, latency);
    }
}

fn count_proxy_error(worker: &Worker, request: &Request, outcome: &Outcome) {
    if !request.is_counted() {
        return;
    }
    let of_target = outcome
        .target
        .as_ref()
        .and_then(|target| target.counters.as_ref());
    let of_service = || outcome.route.as_ref()?.service.counters.as_ref();
    if let Some(counters) = of_target.or_else(of_service) {
        counters.count_proxy_error(worker.index);
    }
}

fn log(worker: &Worker, request: &Request, outcome: &Outcome) {
    let host = request.head.host.or(request.head.target.authority);
    worker.log(&Line {
        request_id: request.id.bytes(),
        host: host.map_or(b"", |host| host.of(&request.raw)),
        method: request.head.method_name.of(&request.raw),
        path: request.path(),
        ip: Some(request.visitor.ip),
        status: outcome.status,
        bytes: outcome.bytes,
        duration: Instant::now().saturating_duration_since(request.started),
        to_head: outcome
            .head_at
            .map(|at| at.saturating_duration_since(request.started)),
        service: outcome.route.as_ref().map(|route| &*route.service),
        target: outcome.target.as_deref(),
        error: outcome.error,
        is_probe: request.is_probe,
        is_candidate: request.candidate.is_some(),
    });
}
