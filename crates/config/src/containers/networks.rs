//! The networks of a service, by the engine's names.

use landfall_model::container::{
    AddressPool, NetworkMode, NetworkOptions, NetworkRef, network_name, resource_name,
};

use super::value::{fields, flag, items, pairs, text, texts, whole};
use super::{Home, unsupported};
use crate::compose::{Node, Project, Service};
use crate::diagnostics::Diagnostic;

/// The network that services are on of which nothing is said.
const DEFAULT: &str = "default";

pub(super) fn of(
    service: &Service<'_>,
    project: &Project,
    home: &Home<'_>,
    found: &mut Vec<Diagnostic>,
) -> NetworkMode {
    let node = service.node();
    match node.text_of("network_mode") {
        Some("none") => return NetworkMode::Joined(Vec::new()),
        Some("host") => return NetworkMode::Host,
        Some(mode) => {
            let at = service.place_of("network_mode").unwrap_or(service.at());
            let name = service.name();
            let message = format!("`{name}` cannot share a network as `{mode}`");
            found.push(unsupported(
                at,
                message,
                "remove `network_mode`: the services of an app share a network, in which each is \
                 known by its name",
            ));
            return NetworkMode::default();
        }
        None => {}
    }
    let mut joined: Vec<(i64, NetworkRef)> = fields(node, "networks")
        .map(|(key, joins)| {
            let priority = whole(joins, "priority").unwrap_or_default();
            let mut network = network(key, project, home);
            network.aliases = aliases(service, joins);
            (priority, network)
        })
        .collect();
    joined.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
    NetworkMode::Joined(joined.into_iter().map(|(_, network)| network).collect())
}

/// The names by which others on a network find a service.
fn aliases(service: &Service<'_>, joins: &Node) -> Vec<String> {
    let mut names = vec![service.name().to_owned()];
    names.extend(text(service.node(), "container_name"));
    for alias in texts(joins, "aliases") {
        if !names.contains(&alias) {
            names.push(alias);
        }
    }
    names
}

fn network(key: &str, project: &Project, home: &Home<'_>) -> NetworkRef {
    let Some(node) = project.resource("networks", key) else {
        return NetworkRef::default();
    };
    let external = flag(node, "external");
    // What is adopted has a network of that name already, which is not ours to be on.
    let is_taken = home.adopts.is_some() && !external;
    let named = project.own_name(key, node).filter(|_| !is_taken);
    let mut options = options(node);
    if is_taken {
        options.pools.clear();
    }
    let name = named.map_or_else(
        || match key {
            DEFAULT => network_name(home.app, home.environment),
            _ => resource_name(home.app, home.environment, key),
        },
        str::to_owned,
    );
    NetworkRef {
        name,
        aliases: Vec::new(),
        external,
        options,
    }
}

fn options(node: &Node) -> NetworkOptions {
    let pool = |pool: &Node| AddressPool {
        subnet: text(pool, "subnet"),
        range: text(pool, "ip_range"),
        gateway: text(pool, "gateway"),
        taken: pairs(pool, "aux_addresses"),
    };
    let ipam = node.get("ipam");
    let pools = ipam.map(|ipam| items(ipam, "config")).unwrap_or_default();
    NetworkOptions {
        driver: text(node, "driver"),
        driver_opts: pairs(node, "driver_opts"),
        internal: flag(node, "internal"),
        ipv6: flag(node, "enable_ipv6"),
        ipam_driver: ipam.and_then(|ipam| text(ipam, "driver")),
        pools: pools.iter().map(pool).collect(),
        labels: pairs(node, "labels"),
    }
}
