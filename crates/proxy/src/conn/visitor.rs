//! Who visits, and how: the peer of the connection, or whom a web server in front forwards for.

use std::net::{IpAddr, SocketAddr};

use crate::http1::{Field, Known};
use crate::routing::Routing;

/// A visitor, as apps are told.
#[derive(Debug)]
pub(super) struct Visitor {
    /// The visitor's address.
    pub(super) ip: IpAddr,
    /// Through whom the request came, the visitor first: what `X-Forwarded-For` lists.
    pub(super) way: Vec<u8>,
    /// Whether the visitor speaks TLS with the web server in front.
    pub(super) is_secure: bool,
    /// What the visitor asked for, where the web server in front asks for another host.
    pub(super) host: Option<Vec<u8>>,
}

impl Visitor {
    /// The visitor of a request from `peer`. Fields count only where the peer is believed.
    pub(super) fn of(peer: IpAddr, routing: &Routing, head: &[u8], fields: &[Field]) -> Self {
        if !routing.is_behind(peer) {
            return Self::new(peer, peer.to_string().into_bytes());
        }
        let values = |name: &'static [u8]| {
            let named = fields.iter().filter(move |field| {
                field.known == Known::Forwarding && field.name.of(head).eq_ignore_ascii_case(name)
            });
            named.map(|field| field.value.of(head).trim_ascii())
        };
        let mut way = values(b"x-forwarded-for")
            .collect::<Vec<_>>()
            .join(&b", "[..]);
        let ip = forwarded_for(&way, peer, routing);
        if !way.is_empty() {
            way.extend_from_slice(b", ");
        }
        way.extend_from_slice(peer.to_string().as_bytes());
        // The web server that is nearest says last.
        let proto = values(b"x-forwarded-proto").next_back().and_then(last_of);
        let host = values(b"x-forwarded-host").next_back().and_then(last_of);
        Self {
            is_secure: proto.is_some_and(|proto| proto.eq_ignore_ascii_case(b"https")),
            host: host.filter(|host| is_host(host)).map(<[u8]>::to_vec),
            ..Self::new(ip, way)
        }
    }

    fn new(ip: IpAddr, way: Vec<u8>) -> Self {
        Self {
            ip,
            way,
            is_secure: false,
            host: None,
        }
    }

    /// `http` or `https`.
    pub(super) fn proto(&self) -> &'static str {
        match self.is_secure {
            true => "https",
            false => "http",
        }
    }
}

/// The last address of a list that is no web server in front; what comes before it anybody can have
/// written.
fn forwarded_for(way: &[u8], peer: IpAddr, routing: &Routing) -> IpAddr {
    let mut visitor = peer;
    for text in way.rsplit(|&byte| byte == b',') {
        let Some(address) = std::str::from_utf8(text).ok().and_then(address) else {
            break;
        };
        visitor = address;
        if !routing.is_behind(address) {
            break;
        }
    }
    visitor
}

/// An address as web servers write it: bare, with a port, in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse();
    let address = address.or_else(|_| text.parse().map(|address: SocketAddr| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

fn last_of(list: &[u8]) -> Option<&[u8]> {
    list.rsplit(|&byte| byte == b',')
        .next()
        .map(<[u8]>::trim_ascii)
}

fn is_host(text: &[u8]) -> bool {
    let is_part = |&byte: &u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !text.is_empty() && text.iter().all(is_part)
}
