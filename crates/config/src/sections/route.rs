//! `[[route]]`.

use landfall_model::spec::RouteSpec;

use super::{Scope, Use};
use crate::keys;
use crate::reader::{Node, Span};
use crate::values;

/// A route, with the places that other sections are compared with.
pub(crate) struct RouteDraft {
    pub(crate) spec: RouteSpec,
    pub(crate) to: Use,
    /// Its path or, without one, its host or, without one, the route.
    pub(crate) place: Span,
}

pub(super) fn read(node: Node<'_>, scope: &Scope<'_>) -> Option<RouteDraft> {
    let table = node.table(&keys::ROUTE, node.span)?;
    let host = table.get("host");
    let path = table.get("path");
    let to = table.require("to").and_then(Use::read);
    let place = path.or(host).map_or(node.span, |node| node.span);
    let host = match host {
        None => None,
        Some(node) => Some(scope.hosts.called(node.parse("a host", values::host)?)),
    };
    let path = match path {
        None => "/".to_owned(),
        Some(node) => node.parse("a path", values::route_path)?,
    };
    let strip_prefix = table.get("strip_prefix").and_then(Node::boolean);
    let to = to?;
    Some(RouteDraft {
        spec: RouteSpec {
            host,
            path,
            to: to.service.clone(),
            strip_prefix: strip_prefix.unwrap_or(false),
        },
        to,
        place,
    })
}
