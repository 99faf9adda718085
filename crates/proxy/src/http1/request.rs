//! Request heads.

use super::chars::is_token;
use super::fields::{parse_fields, parse_length};
use super::target::parse_target;
use super::{BodyKind, Connection, Field, Known, Reject, Span, Target, is_host};

/// The version of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// What the proxy needs to know about a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// Any other that may be repeated without harm: OPTIONS, PUT, DELETE.
    Idempotent,
    /// Anything else.
    Other,
}

/// A request head that keeps every rule.
#[derive(Debug)]
pub struct RequestHead {
    /// The method, classed.
    pub method: Method,
    /// The method as it was sent.
    pub method_name: Span,
    /// The target.
    pub target: Target,
    /// The version.
    pub version: Version,
    /// The value of `Host`; `None` only with HTTP/1.0.
    pub host: Option<Span>,
    /// How the body is framed.
    pub body: BodyKind,
    /// What the Connection fields say.
    pub connection: Connection,
    /// Every field, in order.
    pub fields: Vec<Field>,
}

impl RequestHead {
    /// Parses a complete head, as [`super::HeadScanner`] delimits it. `fields` is a list to reuse.
    ///
    /// # Errors
    /// When anything about it is not exactly as it must be.
    pub fn parse(head: &[u8], mut fields: Vec<Field>) -> Result<Self, Reject> {
        fields.clear();
        let line = RequestLine::parse(head)?;
        parse_fields(head, line.end, &mut fields)?;
        let mut request = Self {
            method: line.method,
            method_name: line.method_name,
            target: line.target,
            version: line.version,
            host: None,
            body: BodyKind::Empty,
            connection: Connection::default(),
            fields,
        };
        request.read_fields(head)?;
        request.check_host(head)?;
        Ok(request)
    }

    /// Whether the client will use the connection again after this request.
    pub fn is_keep_alive(&self) -> bool {
        match self.version {
            Version::Http11 => !self.connection.close,
            Version::Http10 => self.connection.keep_alive && !self.connection.close,
        }
    }

    /// The value of the first field of a kind.
    pub fn value<'a>(&self, head: &'a [u8], known: Known) -> Option<&'a [u8]> {
        let field = self.fields.iter().find(|field| field.known == known)?;
        Some(field.value.of(head))
    }

    fn read_fields(&mut self, head: &[u8]) -> Result<(), Reject> {
        let mut length = None;
        let mut is_chunked = false;
        for field in &self.fields {
            let value = || field.value.of(head);
            match field.known {
                Known::Host if self.host.replace(field.value).is_some() => {
                    return Err(Reject::Host);
                }
                Known::ContentLength => {
                    let parsed = parse_length(value()).ok_or(Reject::ContentLength)?;
                    if length.replace(parsed).is_some() {
                        return Err(Reject::ContentLength);
                    }
                }
                Known::TransferEncoding => {
                    let is_valid = value().eq_ignore_ascii_case(b"chunked")
                        && !is_chunked
                        && self.version == Version::Http11;
                    if !is_valid {
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
            (None, true) => BodyKind::Chunked,
            (None | Some(0), false) => BodyKind::Empty,
            (Some(length), false) => BodyKind::Length(length),
        };
        Ok(())
    }

    fn check_host(&self, head: &[u8]) -> Result<(), Reject> {
        let host = self.host.map(|host| host.of(head));
        match (host, self.version) {
            (None, Version::Http11) => return Err(Reject::Host),
            (Some(host), _) if !is_host(host) => return Err(Reject::Host),
            _ => {}
        }
        match (host, self.target.authority) {
            (Some(host), Some(authority)) if !host.eq_ignore_ascii_case(authority.of(head)) => {
                Err(Reject::HostMismatch)
            }
            _ => Ok(()),
        }
    }
}

struct RequestLine {
    method: Method,
    method_name: Span,
    target: Target,
    version: Version,
    end: usize,
}

impl RequestLine {
    fn parse(head: &[u8]) -> Result<Self, Reject> {
        let end = memchr::memchr(b'\r', head).ok_or(Reject::FirstLine)?;
        if head.get(end + 1) != Some(&b'\n') {
            return Err(Reject::FirstLine);
        }
        let line = &head[..end];
        let method_end = memchr::memchr(b' ', line).ok_or(Reject::FirstLine)?;
        let target_end = memchr::memrchr(b' ', line).ok_or(Reject::FirstLine)?;
        if target_end <= method_end || !is_token(&line[..method_end]) {
            return Err(Reject::FirstLine);
        }
        let version = parse_version(&line[target_end + 1..])?;
        let method = parse_method(&line[..method_end])?;
        let is_options = &line[..method_end] == b"OPTIONS";
        Ok(Self {
            method,
            method_name: Span::new(0, method_end),
            target: parse_target(head, method_end + 1, target_end, is_options)?,
            version,
            end: end + 2,
        })
    }
}

fn parse_version(bytes: &[u8]) -> Result<Version, Reject> {
    match bytes {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Reject::Version)
        }
        _ => Err(Reject::FirstLine),
    }
}

fn parse_method(name: &[u8]) -> Result<Method, Reject> {
    match name {
        b"GET" => Ok(Method::Get),
        b"HEAD" => Ok(Method::Head),
        b"OPTIONS" | b"PUT" | b"DELETE" => Ok(Method::Idempotent),
        b"CONNECT" | b"TRACE" => Err(Reject::Method),
        _ => Ok(Method::Other),
    }
}
