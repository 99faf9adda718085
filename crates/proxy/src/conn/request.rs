//! A request that was read, with all that is decided about it before it is answered.

use std::net::IpAddr;
use std::time::Instant;

use super::buf::Buffers;
use super::visitor::Visitor;
use crate::fault::Fault;
use crate::http1::{BodyKind, Field, Known, Method, RequestHead, Version};
use crate::routing::{HostBuf, RouteEntry, Routing};
use std::sync::Arc;

/// Longest request id that is taken over from a client.
const MAX_REQUEST_ID: usize = 128;

/// A request. Its bytes are its own, so that the connection's buffer is free for the body.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) raw: Vec<u8>,
    pub(super) head: RequestHead,
    pub(super) visitor: Visitor,
    pub(super) id: RequestId,
    pub(super) started: Instant,
    pub(super) host: HostBuf,
    /// The value of the candidate header, when there is one.
    pub(super) candidate: Option<Vec<u8>>,
    /// Whether the agent proved itself: the answer is stamped.
    pub(super) is_probe: bool,
    /// Whether an upgrade is asked for that may be passed on.
    pub(super) is_upgrade: bool,
}

/// A request's id: the client's own, or a new one.
#[derive(Debug)]
pub(super) enum RequestId {
    Kept(Vec<u8>),
    New([u8; 32]),
}

impl RequestId {
    fn new() -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut random = fastrand::u128(..);
        Self::New(std::array::from_fn(|_| {
            let digit = HEX[(random & 15) as usize];
            random >>= 4;
            digit
        }))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Kept(bytes) => bytes,
            Self::New(bytes) => bytes,
        }
    }
}

impl Request {
    /// Reads a complete head.
    pub(super) fn read(
        head: &[u8],
        peer: IpAddr,
        routing: &Routing,
        buffers: &Buffers,
        fields: Vec<Field>,
    ) -> Result<Self, Fault> {
        let started = Instant::now();
        let parsed = RequestHead::parse(head, fields).map_err(Fault::Malformed)?;
        let mut raw = buffers.take_vec();
        raw.extend_from_slice(head);
        let value = |known| parsed.value(head, known);
        let authority = parsed.host.or(parsed.target.authority);
        let id = value(Known::RequestId)
            .filter(|id| is_sane_id(id))
            .map_or_else(RequestId::new, |id| RequestId::Kept(id.to_vec()));
        Ok(Self {
            visitor: Visitor::of(peer, routing, head, &parsed.fields),
            id,
            started,
            host: HostBuf::new(authority.map_or(b"", |host| host.of(head))),
            candidate: value(Known::Candidate).map(<[u8]>::to_vec),
            is_probe: value(Known::Probe).is_some_and(|token| routing.is_probe(token)),
            is_upgrade: is_upgrade(&parsed, head),
            raw,
            head: parsed,
        })
    }

    /// Path and query, as sent.
    pub(super) fn path(&self) -> &[u8] {
        match self.head.target.path_and_query.of(&self.raw) {
            b"" => b"/",
            path => path,
        }
    }

    /// Path and query as the upstream sees them.
    pub(super) fn path_behind(&self, route: &RouteEntry) -> &[u8] {
        let path = self.path();
        if !route.strip_prefix || route.prefix.is_empty() {
            return path;
        }
        path.strip_prefix(&*route.prefix).unwrap_or(path)
    }

    /// The value of a field.
    pub(super) fn value(&self, known: Known) -> Option<&[u8]> {
        self.head.value(&self.raw, known)
    }

    /// Finds the route.
    pub(super) fn route(&self, routing: &Routing) -> Result<Arc<RouteEntry>, Fault> {
        // The asterisk of OPTIONS stands for the whole server.
        let path = match self.path() {
            b"*" => b"/",
            path => path,
        };
        let found = match &self.candidate {
            None => routing.find(&self.host, path),
            Some(token) => routing
                .find_candidate(token, &self.host, path)
                .ok_or(Fault::UnknownCandidate)?,
        };
        found.cloned().ok_or(Fault::NoRoute)
    }

    /// Whether the answer says which release and instance it is from.
    pub(super) fn is_stamped(&self) -> bool {
        self.is_probe || self.candidate.is_some()
    }

    /// Whether the answer is counted: it was asked for by the public.
    pub(super) fn is_counted(&self) -> bool {
        !self.is_stamped()
    }

    /// Whether it can be sent again when an instance closed the connection without an answer.
    pub(super) fn is_repeatable(&self) -> bool {
        self.head.method != Method::Other && self.head.body == BodyKind::Empty && !self.is_upgrade
    }
}

/// A WebSocket or other upgrade. `h2c` is not passed on: what follows it would be requests that the
/// proxy does not see. Neither is an upgrade with a body.
fn is_upgrade(head: &RequestHead, raw: &[u8]) -> bool {
    let Some(protocol) = head.value(raw, Known::Upgrade) else {
        return false;
    };
    let is_h2c = protocol
        .split(|&byte| byte == b',')
        .any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"h2c"));
    head.connection.upgrade
        && head.version == Version::Http11
        && head.body == BodyKind::Empty
        && !is_h2c
}

fn is_sane_id(id: &[u8]) -> bool {
    (1..=MAX_REQUEST_ID).contains(&id.len())
        && id
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte))
}
