//! Request targets and hosts.

use super::chars::is_target;
use super::{Reject, Span};

/// The target of a request, split.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Path and query as they are sent on: starts with `/`, or is `*`. Empty when an absolute target had
    /// no path, which means `/`.
    pub path_and_query: Span,
    /// The authority of an absolute target.
    pub authority: Option<Span>,
}

pub(super) fn parse_target(
    head: &[u8],
    start: usize,
    end: usize,
    is_options: bool,
) -> Result<Target, Reject> {
    let bytes = &head[start..end];
    if !is_target(bytes) {
        return Err(Reject::Target);
    }
    if bytes[0] == b'/' || (is_options && bytes == b"*") {
        return Ok(Target {
            path_and_query: Span::new(start, end),
            authority: None,
        });
    }
    let scheme = scheme_length(bytes).ok_or(Reject::Target)?;
    let rest = &bytes[scheme..];
    let authority = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    if !is_host(&rest[..authority]) || rest.get(authority) == Some(&b'?') {
        return Err(Reject::Target);
    }
    Ok(Target {
        path_and_query: Span::new(start + scheme + authority, end),
        authority: Some(Span::new(start + scheme, start + scheme + authority)),
    })
}

fn scheme_length(bytes: &[u8]) -> Option<usize> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let start = bytes.get(..scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme.as_bytes())
            .then_some(scheme.len())
    })
}

/// Whether the bytes are a host, with or without port: a name, an IPv4 address or an IPv6 address in
/// brackets.
pub fn is_host(bytes: &[u8]) -> bool {
    let (name, port) = split_port(bytes);
    let is_port = |port: &[u8]| port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    port.is_none_or(is_port) && (is_ip_literal(name) || is_name(name))
}

/// Splits `host:port`; the port is `None` without a colon.
pub(crate) fn split_port(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let after_bracket = bytes.iter().rposition(|&byte| byte == b']').unwrap_or(0);
    match bytes[after_bracket..].iter().position(|&byte| byte == b':') {
        Some(colon) => {
            let colon = after_bracket + colon;
            (&bytes[..colon], Some(&bytes[colon + 1..]))
        }
        None => (bytes, None),
    }
}

fn is_name(name: &[u8]) -> bool {
    (1..=255).contains(&name.len())
        && name
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

fn is_ip_literal(name: &[u8]) -> bool {
    let [b'[', address @ .., b']'] = name else {
        return false;
    };
    std::str::from_utf8(address).is_ok_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
}
