//! The request head that an instance gets.
//!
//! What clients say about forwarding (`X-Forwarded-*`, `X-Real-IP`, `Forwarded`) is replaced, so
//! that apps can believe it; only web servers that are known to be in front are listened to. `Host`
//! is what the client asked for. Fields of one connection are not passed on.

use std::io::Write;
use std::net::IpAddr;

use super::request::Request;
use crate::http1::{BodyKind, Field, Known, is_named_by_connection};
use crate::routing::RouteEntry;

/// Writes the head for the upstream.
pub(super) fn write_request_head(out: &mut Vec<u8>, request: &Request, route: &RouteEntry) {
    out.extend_from_slice(request.head.method_name.of(&request.raw));
    out.push(b' ');
    write_target(out, request.path_behind(route));
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for field in &request.head.fields {
        if is_passed_on(request, field) {
            write_field(
                out,
                field.name.of(&request.raw),
                field.value.of(&request.raw),
            );
        }
    }
    write_host(out, request);
    write_framing(out, request.head.body);
    write_connection(out, request);
    write_forwarding(out, request, route);
    write_field(out, b"x-request-id", request.id.bytes());
    out.extend_from_slice(b"\r\n");
}

fn write_target(out: &mut Vec<u8>, target: &[u8]) {
    if !matches!(target.first(), Some(b'/' | b'*')) {
        out.push(b'/');
    }
    out.extend_from_slice(target);
}

fn is_passed_on(request: &Request, field: &Field) -> bool {
    let is_end_to_end = match field.known {
        Known::Other
        | Known::Expect
        | Known::Accept
        | Known::AcceptEncoding
        | Known::IfNoneMatch
        | Known::IfRange
        | Known::Range => true,
        Known::Upgrade => return request.is_upgrade,
        _ => false,
    };
    is_end_to_end
        && !(request.head.connection.names_fields
            && is_named_by_connection(
                &request.raw,
                &request.head.fields,
                field.name.of(&request.raw),
            ))
}

fn write_host(out: &mut Vec<u8>, request: &Request) {
    let host = request.head.host.or(request.head.target.authority);
    let host = host.map_or(&b""[..], |host| host.of(&request.raw));
    write_field(out, b"host", host);
}

fn write_framing(out: &mut Vec<u8>, body: BodyKind) {
    match body {
        BodyKind::Length(length) => {
            let _ = write!(out, "content-length: {length}\r\n");
        }
        BodyKind::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        BodyKind::Empty | BodyKind::UntilClose => {}
    }
}

fn write_connection(out: &mut Vec<u8>, request: &Request) {
    let wants_trailers = request
        .value(Known::Te)
        .is_some_and(|te| te.trim_ascii().eq_ignore_ascii_case(b"trailers"));
    match (request.is_upgrade, wants_trailers) {
        (true, _) => out.extend_from_slice(b"connection: upgrade\r\n"),
        (false, true) => out.extend_from_slice(b"te: trailers\r\nconnection: te\r\n"),
        (false, false) => {}
    }
}

fn write_forwarding(out: &mut Vec<u8>, request: &Request, route: &RouteEntry) {
    let visitor = &request.visitor;
    let host = request.head.host.map(|host| host.of(&request.raw));
    let host = visitor.host.as_deref().or(host).unwrap_or_default();
    let (ip, proto) = (visitor.ip, visitor.proto());
    write_field(out, b"x-forwarded-for", &visitor.way);
    let _ = write!(out, "x-real-ip: {ip}\r\nx-forwarded-proto: {proto}\r\n");
    match ip {
        IpAddr::V4(ip) => write!(out, "forwarded: for={ip};proto={proto}"),
        IpAddr::V6(ip) => write!(out, "forwarded: for=\"[{ip}]\";proto={proto}"),
    }
    .unwrap_or_default();
    if host.is_empty() {
        out.extend_from_slice(b"\r\n");
    } else {
        out.extend_from_slice(b";host=\"");
        out.extend_from_slice(host);
        out.extend_from_slice(b"\"\r\n");
        write_field(out, b"x-forwarded-host", host);
    }
    if route.strip_prefix && !route.prefix.is_empty() {
        write_field(out, b"x-forwarded-prefix", &route.prefix);
    }
}

/// Writes a field line.
pub(super) fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
