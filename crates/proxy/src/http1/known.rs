//! The fields that mean something to the proxy.

/// What a field is to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing: passed on as it came.
    Other,
    /// `Host`.
    Host,
    /// `Content-Length`.
    ContentLength,
    /// `Transfer-Encoding`.
    TransferEncoding,
    /// `Connection`.
    Connection,
    /// `TE`.
    Te,
    /// `Upgrade`.
    Upgrade,
    /// A field of one connection only, that is never passed on; also `Proxy`, which CGI programs
    /// take for an environment variable.
    HopByHop,
    /// `Keep-Alive`, also of one connection only, which tells how long an upstream keeps it.
    KeepAlive,
    /// `Expect`.
    Expect,
    /// What the proxy tells the app about the client: clients cannot set it.
    Forwarding,
    /// `X-Request-Id`.
    RequestId,
    /// `landfall-candidate`.
    Candidate,
    /// `landfall-probe`.
    Probe,
    /// Any other `landfall-…`, which only Landfall may say.
    Landfall,
    /// A field of this list spelled with `_` for `-`, which some servers take for the same.
    Disguised,
    /// `Accept`.
    Accept,
    /// `Accept-Encoding`.
    AcceptEncoding,
    /// `If-None-Match`.
    IfNoneMatch,
    /// `If-Range`.
    IfRange,
    /// `Range`.
    Range,
}

impl Known {
    /// Recognises a name, in any case. `has_underscore` is a hint that saves a search.
    pub fn of(name: &[u8], has_underscore: bool) -> Self {
        if has_underscore {
            return Self::of_underscored(name);
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match (name.len(), name[0] | 0x20) {
            (2, b't') if is("te") => Self::Te,
            (4, b'h') if is("host") => Self::Host,
            (5, b'p') if is("proxy") => Self::HopByHop,
            (5, b'r') if is("range") => Self::Range,
            (6, b'a') if is("accept") => Self::Accept,
            (6, b'e') if is("expect") => Self::Expect,
            (7, b'u') if is("upgrade") => Self::Upgrade,
            (8, b'i') if is("if-range") => Self::IfRange,
            (9, b'f') if is("forwarded") => Self::Forwarding,
            (9, b'x') if is("x-real-ip") => Self::Forwarding,
            (10, b'c') if is("connection") => Self::Connection,
            (10, b'k') if is("keep-alive") => Self::KeepAlive,
            (12, b'x') if is("x-request-id") => Self::RequestId,
            (13, b'i') if is("if-none-match") => Self::IfNoneMatch,
            (14, b'c') if is("content-length") => Self::ContentLength,
            (14, b'h') if is("http2-settings") => Self::HopByHop,
            (15, b'a') if is("accept-encoding") => Self::AcceptEncoding,
            (16, b'p') if is("proxy-connection") => Self::HopByHop,
            (17, b't') if is("transfer-encoding") => Self::TransferEncoding,
            (_, b'x') if has_prefix(name, b"x-forwarded-") => Self::Forwarding,
            (_, b'l') if has_prefix(name, b"landfall-") => Self::of_landfall(name),
            _ => Self::Other,
        }
    }

    /// Whether a field of this kind may stand in a trailer section that is passed on.
    pub fn is_allowed_in_trailers(self) -> bool {
        matches!(self, Self::Other)
    }

    fn of_landfall(name: &[u8]) -> Self {
        if name.eq_ignore_ascii_case(b"landfall-candidate") {
            Self::Candidate
        } else if name.eq_ignore_ascii_case(b"landfall-probe") {
            Self::Probe
        } else {
            Self::Landfall
        }
    }

    fn of_underscored(name: &[u8]) -> Self {
        let dashed: Vec<u8> = name
            .iter()
            .map(|&byte| if byte == b'_' { b'-' } else { byte })
            .collect();
        match Self::of(&dashed, false) {
            Self::Other => Self::Other,
            _ => Self::Disguised,
        }
    }
}

fn has_prefix(name: &[u8], prefix: &[u8]) -> bool {
    name.len() > prefix.len() && name[..prefix.len()].eq_ignore_ascii_case(prefix)
}
