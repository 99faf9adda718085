//! Field lines, shared by requests, responses and trailers.

use super::chars::{IS_UNDERSCORE, TOKEN, is_field_value, is_token, trim};
use super::{Known, Reject};

/// A range of the head's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The bytes, given those that were parsed.
    pub fn of<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        head.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// A field line.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name as it was sent.
    pub name: Span,
    /// The value without surrounding whitespace.
    pub value: Span,
    /// What it is to the proxy.
    pub known: Known,
}

/// Parses the field lines of `head` from `at` up to its blank line.
pub(super) fn parse_fields(head: &[u8], at: usize, into: &mut Vec<Field>) -> Result<(), Reject> {
    let mut at = at;
    while at < head.len() {
        let Some(offset) = memchr::memchr(b'\r', &head[at..]) else {
            return Err(Reject::BareLineFeed);
        };
        let end = at + offset;
        if head.get(end + 1) != Some(&b'\n') {
            return Err(Reject::FieldValue);
        }
        if end == at {
            return Ok(());
        }
        into.push(parse_field(head, at, end)?);
        at = end + 2;
    }
    Err(Reject::FirstLine)
}

fn parse_field(head: &[u8], start: usize, end: usize) -> Result<Field, Reject> {
    if matches!(head[start], b' ' | b'\t') {
        return Err(Reject::Folded);
    }
    let line = &head[start..end];
    let mut class = 0;
    let mut colon = 0;
    while colon < line.len() && TOKEN[line[colon] as usize] != 0 {
        class |= TOKEN[line[colon] as usize];
        colon += 1;
    }
    if colon == 0 || line.get(colon) != Some(&b':') {
        return Err(Reject::FieldName);
    }
    let raw = &line[colon + 1..];
    if !is_field_value(raw) {
        return Err(Reject::FieldValue);
    }
    let value = trim(raw);
    let value_start = start + colon + 1 + leading(raw);
    Ok(Field {
        name: Span::new(start, start + colon),
        value: Span::new(value_start, value_start + value.len()),
        known: Known::of(&line[..colon], class & IS_UNDERSCORE != 0),
    })
}

fn leading(raw: &[u8]) -> usize {
    raw.iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

/// What the `Connection` fields of a message say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connection {
    /// `close` was said.
    pub close: bool,
    /// `keep-alive` was said.
    pub keep_alive: bool,
    /// `upgrade` was said.
    pub upgrade: bool,
    /// Other fields were named, which are of this connection only.
    pub names_fields: bool,
}

impl Connection {
    pub(super) fn add(&mut self, value: &[u8]) -> Result<(), Reject> {
        for token in tokens(value) {
            if !is_token(token) {
                return Err(Reject::FieldValue);
            }
            if token.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if token.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if token.eq_ignore_ascii_case(b"upgrade") {
                self.upgrade = true;
            } else {
                self.names_fields = true;
            }
        }
        Ok(())
    }
}

/// The non-empty elements of a comma-separated list.
pub(super) fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(trim)
        .filter(|token| !token.is_empty())
}

/// Whether a `Connection` field among `fields` names `name`.
pub(crate) fn is_named_by_connection(head: &[u8], fields: &[Field], name: &[u8]) -> bool {
    fields
        .iter()
        .filter(|field| field.known == Known::Connection)
        .any(|field| tokens(field.value.of(head)).any(|token| token.eq_ignore_ascii_case(name)))
}

/// A Content-Length as RFC 9110 writes it: digits only.
pub(super) fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}
