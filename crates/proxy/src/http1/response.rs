//! Response heads, as upstreams send them.

use super::fields::{parse_fields, parse_length};
use super::{BodyKind, Connection, Field, Known, Reject, Span, Version};

/// A response head that is safe to frame by.
#[derive(Debug)]
pub struct ResponseHead {
    /// The status, 100 to 599.
    pub status: u16,
    /// Status and reason as they were sent.
    pub status_line: Span,
    /// The version.
    pub version: Version,
    /// How the body is framed, were the request not a HEAD.
    pub body: BodyKind,
    /// What the Connection fields say.
    pub connection: Connection,
    /// Every field, in order.
    pub fields: Vec<Field>,
}

impl ResponseHead {
    /// Parses a complete head, as [`super::HeadScanner`] delimits it. `fields` is a list to reuse.
    ///
    /// # Errors
    /// When it is malformed or its body cannot be framed beyond doubt.
    pub fn parse(head: &[u8], mut fields: Vec<Field>) -> Result<Self, Reject> {
        fields.clear();
        let end = memchr::memchr(b'\r', head).ok_or(Reject::FirstLine)?;
        if head.get(end + 1) != Some(&b'\n') {
            return Err(Reject::FirstLine);
        }
        let (version, status) = parse_status_line(&head[..end])?;
        parse_fields(head, end + 2, &mut fields)?;
        let mut response = Self {
            status,
            status_line: Span::new("HTTP/1.1 ".len(), end),
            version,
            body: BodyKind::UntilClose,
            connection: Connection::default(),
            fields,
        };
        response.read_fields(head)?;
        Ok(response)
    }

    /// Whether the upstream will take another request on this connection after a body framed so.
    pub fn is_keep_alive_with(&self, body: BodyKind) -> bool {
        body != BodyKind::UntilClose
            && !self.connection.close
            && (self.version == Version::Http11 || self.connection.keep_alive)
    }

    fn read_fields(&mut self, head: &[u8]) -> Result<(), Reject> {
        let mut length = None;
        let mut is_chunked = false;
        for field in &self.fields {
            let value = || field.value.of(head);
            match field.known {
                Known::ContentLength => {
                    let parsed = parse_length(value()).ok_or(Reject::ContentLength)?;
                    if length
                        .replace(parsed)
                        .is_some_and(|earlier| earlier != parsed)
                    {
                        return Err(Reject::ContentLength);
                    }
                }
                Known::TransferEncoding => {
                    if !value().eq_ignore_ascii_case(b"chunked") || is_chunked {
                        return Err(Reject::TransferEncoding);
                    }
                    is_chunked = true;
                }
                Known::Connection => self.connection.add(value())?,
                _ => {}
            }
        }
        self.body = match (length, is_chunked) {
            (Some(_), true) => return Err(Reject::TwoLengths),
            (None, true) if self.version == Version::Http10 => {
                return Err(Reject::TransferEncoding);
            }
            (None, true) => BodyKind::Chunked,
            (Some(0), false) => BodyKind::Empty,
            (Some(length), false) => BodyKind::Length(length),
            (None, false) => BodyKind::UntilClose,
        };
        if matches!(self.status, 100..=199 | 204 | 304) {
            self.body = BodyKind::Empty;
        }
        Ok(())
    }
}

/// `HTTP/1.1 200 reason`; the reason, and the space before it, may be missing.
fn parse_status_line(line: &[u8]) -> Result<(Version, u16), Reject> {
    let version = match line.get(..9) {
        Some(b"HTTP/1.1 ") => Version::Http11,
        Some(b"HTTP/1.0 ") => Version::Http10,
        _ => return Err(Reject::FirstLine),
    };
    let digits = line.get(9..12).ok_or(Reject::FirstLine)?;
    let is_ended = matches!(line.get(12), None | Some(b' '));
    if !is_ended
        || !digits.iter().all(u8::is_ascii_digit)
        || !matches!(digits[0], b'1'..=b'5')
        || !super::chars::is_field_value(line)
    {
        return Err(Reject::FirstLine);
    }
    let status = digits
        .iter()
        .fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    Ok((version, status))
}
