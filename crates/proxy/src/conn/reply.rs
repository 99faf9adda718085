//! Answers that the proxy makes itself.

use std::io::Write;

use super::client::{Client, Transport};
use super::request::Request;
use super::request_head::write_field;
use super::response_head::{write_connection, write_stamp};
use super::serve::{Next, Outcome};
use crate::access_log::Line;
use crate::fault::Fault;
use crate::http1::{BodyKind, Known, Method};
use crate::routing::Phase;
use crate::worker::Worker;
use landfall_model::snapshot::PROXY_ERROR_HEADER;

/// Seconds after which a client of a 503 should try again.
const RETRY_AFTER: u32 = 2;

/// Answers a request with a fault.
pub(super) async fn reply<S: Transport>(
    client: &mut Client<S>,
    worker: &Worker,
    request: &Request,
    fault: Fault,
    outcome: &mut Outcome,
) -> Next {
    let keep_alive = request.head.body == BodyKind::Empty
        && request.head.is_keep_alive()
        && worker.shared.phase() == Phase::Serving;
    let accept = request.value(Known::Accept).unwrap_or_default();
    let (mut head, body) = page(fault, accept, Some(request.id.bytes()), worker);
    if request.is_stamped()
        && let Some(route) = &outcome.route
    {
        write_stamp(&mut head, route, outcome.target.as_deref());
    }
    write_connection(&mut head, fault.status(), request, keep_alive);
    head.extend_from_slice(b"\r\n");
    let body = if request.head.method == Method::Head {
        &[][..]
    } else {
        body.as_bytes()
    };
    outcome.status = fault.status();
    outcome.error = Some(fault.word());
    outcome.bytes = (head.len() + body.len()) as u64;
    outcome.head_at = None;
    match client.write_all(worker, &[&head, body]).await {
        Err(_) => Next::Abort,
        Ok(()) => Next::after_own_answer(request, keep_alive),
    }
}

/// Answers what could not be read as a request, and closes.
pub(super) async fn reply_unread<S: Transport>(
    client: &mut Client<S>,
    worker: &Worker,
    fault: Fault,
) -> Next {
    let (mut head, body) = page(fault, b"", None, worker);
    head.extend_from_slice(b"connection: close\r\n\r\n");
    worker.log(&Line::unread(
        client.ip,
        fault,
        (head.len() + body.len()) as u64,
    ));
    let written = client.write_all(worker, &[&head, body.as_bytes()]).await;
    written.map_or(Next::Abort, |()| Next::Linger)
}

/// The head, without Connection and the blank line, and the body.
fn page(
    fault: Fault,
    accept: &[u8],
    request_id: Option<&[u8]>,
    worker: &Worker,
) -> (Vec<u8>, String) {
    let is_html = memchr::memmem::find(accept, b"text/html").is_some();
    let body = if is_html {
        html(fault, request_id)
    } else {
        json(fault, request_id)
    };
    let kind = if is_html {
        "text/html; charset=utf-8"
    } else {
        "application/json"
    };
    let mut head = Vec::with_capacity(512);
    let _ = write!(
        head,
        "HTTP/1.1 {} {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\ncache-control: no-store\r\n",
        fault.status(),
        reason(fault.status()),
        body.len(),
    );
    write_field(&mut head, b"date", worker.date().as_bytes());
    write_field(
        &mut head,
        PROXY_ERROR_HEADER.as_bytes(),
        fault.word().as_bytes(),
    );
    if fault.status() == 503 {
        let _ = write!(head, "retry-after: {RETRY_AFTER}\r\n");
    }
    (head, body)
}

fn json(fault: Fault, request_id: Option<&[u8]>) -> String {
    let mut body = serde_json::json!({
        "error": fault.word(),
        "message": fault.sentence(),
        "status": fault.status(),
    });
    if let Some(id) = request_id {
        body["request_id"] = String::from_utf8_lossy(id).into();
    }
    format!("{body}\n")
}

/// What a person sees. The request id holds no characters that mean something in HTML.
fn html(fault: Fault, request_id: Option<&[u8]>) -> String {
    let status = fault.status();
    let title = reason(status);
    let sentence = fault.sentence();
    let word = fault.word();
    let id = String::from_utf8_lossy(request_id.unwrap_or_default());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{status} {title}</title>\n\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:20vh auto;padding:0 1rem;\
         color:#222;background:#fff}}small{{color:#767676}}\
         @media(prefers-color-scheme:dark){{body{{color:#ddd;background:#161616}}}}</style>\n\
         <h1>{title}</h1>\n<p>{sentence}</p>\n<p><small>{status} {word} {id}</small></p>\n</html>\n"
    )
}

/// The reason phrase of a status.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        304 => "Not Modified",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        416 => "Range Not Satisfiable",
        431 => "Request Header Fields Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}
