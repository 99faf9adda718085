//! Which services are enabled, and which resources they use.

use std::collections::BTreeSet;

use crate::compose::tree::{Map, Node, Value};

/// Takes the services out whose profiles are not enabled; them.
pub(in crate::compose) fn disable(tree: &mut Node, profiles: &[String]) -> Map {
    let mut disabled = Map::new();
    let services = tree.map_mut().and_then(|map| map.get_mut("services"));
    if let Some(services) = services.and_then(Node::map_mut) {
        for (name, service) in std::mem::take(services) {
            match is_enabled(&service, profiles) {
                true => drop(services.insert(name, service)),
                false => drop(disabled.insert(name, service)),
            }
        }
    }
    disabled
}

fn is_enabled(service: &Node, profiles: &[String]) -> bool {
    let own = service
        .get("profiles")
        .and_then(Node::list)
        .unwrap_or_default();
    let wanted = |profile: &Node| {
        let name = profile.text().unwrap_or_default();
        profiles
            .iter()
            .any(|wanted| wanted == "*" || wanted == name)
    };
    own.is_empty() || own.iter().any(wanted)
}

/// Drops networks, volumes, secrets and configs that no service uses.
pub(in crate::compose) fn drop_unused(tree: &mut Node) {
    let mut used: [(&str, BTreeSet<String>); 4] = [
        ("networks", BTreeSet::new()),
        ("volumes", BTreeSet::new()),
        ("secrets", BTreeSet::new()),
        ("configs", BTreeSet::new()),
    ];
    let services = tree.get("services").and_then(Node::map);
    for service in services.into_iter().flat_map(Map::values) {
        let [networks, volumes, secrets, configs] = &mut used;
        let names = service.get("networks").and_then(Node::map);
        networks
            .1
            .extend(names.into_iter().flat_map(Map::keys).cloned());
        let named = items(service, "volumes").filter(|v| v.text_of("type") == Some("volume"));
        volumes.1.extend(named.filter_map(source));
        secrets
            .1
            .extend(items(service, "secrets").filter_map(source));
        if let Some(build) = service.get("build") {
            secrets.1.extend(items(build, "secrets").filter_map(source));
        }
        configs
            .1
            .extend(items(service, "configs").filter_map(source));
    }
    let Some(map) = tree.map_mut() else { return };
    for (kind, used) in used {
        let Some(Value::Map(resources)) = map.get_mut(kind).map(|node| &mut node.value) else {
            continue;
        };
        resources.retain(|name, _| used.contains(name));
        if resources.is_empty() {
            map.shift_remove(kind);
        }
    }
}

fn items<'a>(node: &'a Node, key: &str) -> impl Iterator<Item = &'a Node> {
    node.get(key)
        .and_then(Node::list)
        .unwrap_or_default()
        .iter()
}

fn source(node: &Node) -> Option<String> {
    node.text_of("source").map(str::to_owned)
}
