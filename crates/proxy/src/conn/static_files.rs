//! Answers with a file of a release.

use super::answer::count_answer;
use super::client::{Client, Transport};
use super::request::Request;
use super::response_head::{write_connection, write_stamp};
use super::serve::{Next, Outcome};
use crate::fault::Fault;
use crate::files::{Ask, FileRoot};
use crate::http1::{BodyKind, Known, Method};
use crate::routing::{Phase, RouteEntry};
use crate::worker::Worker;

/// Answers with the file that the request names.
pub(super) async fn serve_file<S: Transport>(
    client: &mut Client<S>,
    worker: &Worker,
    request: &Request,
    route: &RouteEntry,
    root: &FileRoot,
    outcome: &mut Outcome,
) -> Result<Next, Fault> {
    let answer = root.answer(&Ask {
        method: request.head.method,
        path: request.path_behind(route),
        full_path: request.path(),
        accept: request.value(Known::Accept).unwrap_or_default(),
        accept_encoding: request.value(Known::AcceptEncoding).unwrap_or_default(),
        if_none_match: request.value(Known::IfNoneMatch),
        if_range: request.value(Known::IfRange),
        range: request.value(Known::Range),
    });
    let now = std::time::Instant::now();
    outcome.head_at = Some(now);
    outcome.status = answer.status;
    count_answer(worker, request, root.counters.as_ref(), answer.status, now);
    let keep_alive = request.head.body == BodyKind::Empty
        && request.head.is_keep_alive()
        && worker.shared.phase() == Phase::Serving;
    let mut head = worker.buffers.take_vec();
    answer.write_head(&mut head, &worker.date());
    if request.is_stamped() {
        write_stamp(&mut head, route, None);
    }
    write_connection(&mut head, answer.status, request, keep_alive);
    head.extend_from_slice(b"\r\n");
    let has_body = request.head.method != Method::Head;
    let mut body = answer.into_body();
    let mut first = true;
    loop {
        let chunk = match has_body.then(|| body.next()).transpose() {
            Ok(chunk) => chunk.flatten(),
            Err(error) => {
                tracing::error!(%error, root = %root.path(), "cannot read a file that is being served");
                outcome.error = Some("file-unreadable");
                return Ok(Next::Abort);
            }
        };
        if chunk.is_none() && !first {
            break;
        }
        let chunk = chunk.unwrap_or_default();
        let head_part = if std::mem::take(&mut first) {
            &head[..]
        } else {
            &[]
        };
        if client.write_all(worker, &[head_part, chunk]).await.is_err() {
            outcome.error = Some("client-gone");
            return Ok(Next::Abort);
        }
        outcome.bytes += (head_part.len() + chunk.len()) as u64;
    }
    worker.buffers.give_vec(head);
    Ok(Next::after_own_answer(request, keep_alive))
}
