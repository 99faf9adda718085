//! The response head that a client gets.

use super::request::Request;
use super::request_head::write_field;
use crate::http1::{BodyKind, Field, Known, Method, ResponseHead, Version, is_named_by_connection};
use crate::routing::{RouteEntry, TargetEntry};
use landfall_model::snapshot::{INSTANCE_HEADER, RELEASE_HEADER};

/// How an answer is passed on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// How its body is framed by the upstream.
    pub(super) body: BodyKind,
    /// Chunk framing is removed, because the client speaks HTTP/1.0.
    pub(super) is_unchunked: bool,
    /// The client may use the connection again.
    pub(super) keep_alive: bool,
}

impl Plan {
    /// Decides. `may_keep_alive` is whether anything but the answer itself stands against it.
    pub(super) fn new(request: &Request, response: &ResponseHead, may_keep_alive: bool) -> Self {
        let has_body = request.head.method != Method::Head && response.status >= 200;
        let body = if has_body {
            response.body
        } else {
            BodyKind::Empty
        };
        let is_unchunked = body == BodyKind::Chunked && request.head.version == Version::Http10;
        let ends_with_connection = is_unchunked || body == BodyKind::UntilClose;
        Self {
            body,
            is_unchunked,
            keep_alive: may_keep_alive && !ends_with_connection,
        }
    }
}

/// Writes the head of a final answer, or of an upgrade.
pub(super) fn write_response_head(
    out: &mut Vec<u8>,
    raw: &[u8],
    response: &ResponseHead,
    request: &Request,
    plan: Plan,
) {
    write_status_line(out, raw, response);
    let mut has_length = false;
    for field in &response.fields {
        let is_passed = match field.known {
            Known::ContentLength => {
                let is_repeated = std::mem::replace(&mut has_length, true);
                !is_repeated && !matches!(response.status, 100..=199 | 204)
            }
            Known::Upgrade => matches!(response.status, 101 | 426),
            _ => is_passed_on(raw, response, field),
        };
        if is_passed {
            write_field(out, field.name.of(raw), field.value.of(raw));
        }
    }
    if plan.body == BodyKind::Chunked && !plan.is_unchunked {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n");
    }
    write_connection(out, response.status, request, plan.keep_alive);
}

/// Writes the whole head of an interim answer: 100, 102, 103.
pub(super) fn write_interim_head(out: &mut Vec<u8>, raw: &[u8], response: &ResponseHead) {
    write_status_line(out, raw, response);
    for field in &response.fields {
        if is_passed_on(raw, response, field) {
            write_field(out, field.name.of(raw), field.value.of(raw));
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes which release and instance answered.
pub(super) fn write_stamp(out: &mut Vec<u8>, route: &RouteEntry, target: Option<&TargetEntry>) {
    if let Some(release) = route.service.release {
        write_field(
            out,
            RELEASE_HEADER.as_bytes(),
            release.to_string().as_bytes(),
        );
    }
    if let Some(target) = target {
        let id = target.instance.id.as_str();
        write_field(out, INSTANCE_HEADER.as_bytes(), id.as_bytes());
    }
}

/// Writes the Connection field that tells the client what becomes of the connection.
pub(super) fn write_connection(
    out: &mut Vec<u8>,
    status: u16,
    request: &Request,
    keep_alive: bool,
) {
    if status == 101 {
        out.extend_from_slice(b"connection: upgrade\r\n");
    } else if !keep_alive {
        out.extend_from_slice(b"connection: close\r\n");
    } else if request.head.version == Version::Http10 {
        out.extend_from_slice(b"connection: keep-alive\r\n");
    }
}

fn write_status_line(out: &mut Vec<u8>, raw: &[u8], response: &ResponseHead) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(response.status_line.of(raw));
    if response.status_line.of(raw).len() == 3 {
        // The space stands even before an empty reason.
        out.push(b' ');
    }
    out.extend_from_slice(b"\r\n");
}

fn is_passed_on(raw: &[u8], response: &ResponseHead, field: &Field) -> bool {
    let is_end_to_end = !matches!(
        field.known,
        Known::Connection
            | Known::KeepAlive
            | Known::HopByHop
            | Known::TransferEncoding
            | Known::ContentLength
            | Known::Te
            | Known::Upgrade
            | Known::Candidate
            | Known::Probe
            | Known::Landfall
    );
    is_end_to_end
        && !(response.connection.names_fields
            && is_named_by_connection(raw, &response.fields, field.name.of(raw)))
}
