//! Finds the route for a host and a path: exact host, then the longest wildcard, then any host;
//! within each the longest path prefix on whole segments. A host whose paths do not match falls
//! through to the next less specific one.

use std::collections::HashMap;
use std::sync::Arc;

use super::RouteEntry;
use crate::http1::split_port;

/// Routes by host.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    exact: HashMap<Box<[u8]>, Paths>,
    /// By what follows the `*`, its dot included.
    wildcard: HashMap<Box<[u8]>, Paths>,
    any: Paths,
}

impl Hosts {
    /// Adds a route. Of two routes for one place the first one stays.
    pub(super) fn insert(&mut self, host: Option<&str>, route: Arc<RouteEntry>) {
        let lower = host.map(str::to_ascii_lowercase);
        let paths = match lower.as_deref() {
            None => &mut self.any,
            Some(host) => match host.strip_prefix('*') {
                Some(suffix) => self.wildcard.entry(suffix.as_bytes().into()).or_default(),
                None => self.exact.entry(host.as_bytes().into()).or_default(),
            },
        };
        paths.insert(route);
    }

    /// The most specific route.
    pub(super) fn find(&self, host: &HostBuf, path: &[u8]) -> Option<&Arc<RouteEntry>> {
        let host = host.name();
        let exact = self.exact.get(host).and_then(|paths| paths.find(path));
        exact
            .or_else(|| self.find_wildcard(host, path))
            .or_else(|| self.any.find(path))
    }

    fn find_wildcard(&self, host: &[u8], path: &[u8]) -> Option<&Arc<RouteEntry>> {
        if self.wildcard.is_empty() {
            return None;
        }
        // A wildcard stands for at least one character, so a dot at the start does not count.
        let dots = (1..host.len()).filter(|&at| host[at] == b'.');
        dots.filter_map(|dot| self.wildcard.get(&host[dot..])?.find(path))
            .next()
    }
}

/// Routes of one host, longest path first.
#[derive(Debug, Default)]
struct Paths(Vec<Arc<RouteEntry>>);

impl Paths {
    fn insert(&mut self, route: Arc<RouteEntry>) {
        let length = route.prefix.len();
        let at = self.0.partition_point(|other| other.prefix.len() >= length);
        self.0.insert(at, route);
    }

    fn find(&self, path: &[u8]) -> Option<&Arc<RouteEntry>> {
        self.0.iter().find(|route| matches(&route.prefix, path))
    }
}

fn matches(prefix: &[u8], path: &[u8]) -> bool {
    path.starts_with(prefix) && matches!(path.get(prefix.len()), None | Some(b'/' | b'?'))
        || prefix.is_empty()
}

/// A host in the form that routes are looked up by: lower-case, without port or trailing dot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostBuf {
    bytes: [u8; 256],
    length: usize,
}

impl HostBuf {
    /// From the value of a Host header; a missing one is the empty host.
    pub(crate) fn new(host: &[u8]) -> Self {
        let (name, _) = split_port(host);
        let name = name.strip_suffix(b".").unwrap_or(name);
        let length = name.len().min(256);
        let mut bytes = [0; 256];
        for (to, from) in bytes.iter_mut().zip(name) {
            *to = from.to_ascii_lowercase();
        }
        Self { bytes, length }
    }

    fn name(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
