//! Keys that exclude each other, or of which one has to be there.

use std::net::IpAddr;

use crate::compose::tree::{Map, Node, Value};
use crate::diagnostics::Diagnostic;

/// The code of keys that do not go together.
const CODE: &str = "compose-misuse";

/// Finds all that cannot be together in a model.
pub(in crate::compose) fn misuses(root: &Node) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, volume) in named(root, "volumes") {
        external(name, volume, &mut found);
    }
    for (name, config) in named(root, "configs") {
        one_source(
            "config",
            name,
            config,
            &["file", "environment", "content"],
            &mut found,
        );
    }
    for (name, secret) in named(root, "secrets") {
        one_source("secret", name, secret, &["file", "environment"], &mut found);
    }
    for (_, service) in named(root, "services") {
        addresses(service, &mut found);
        devices(service, &mut found);
        watched(service, &mut found);
    }
    found
}

fn named<'a>(root: &'a Node, kind: &str) -> impl Iterator<Item = (&'a String, &'a Node)> {
    let map: Option<&Map> = root.get(kind).and_then(Node::map);
    map.into_iter().flatten()
}

/// An external volume is described where it is made.
fn external(name: &str, volume: &Node, found: &mut Vec<Diagnostic>) {
    let is_external = volume.get("external").map(|node| &node.value);
    if !matches!(is_external, Some(Value::Bool(true))) {
        return;
    }
    for (key, field) in volume.map().into_iter().flatten() {
        if !["name", "external"].contains(&key.as_str()) && !key.starts_with("x-") {
            let message = format!("the volume `{name}` is external, and has `{key}`");
            let diagnostic = field.named_at().error(CODE, message);
            found.push(diagnostic.fix("take one of the two away"));
        }
    }
}

fn one_source(kind: &str, name: &str, node: &Node, keys: &[&str], found: &mut Vec<Diagnostic>) {
    let there: Vec<&Node> = keys.iter().filter_map(|key| node.get(key)).collect();
    let listed = keys.join("`, `");
    if let [_, second, ..] = there[..] {
        let message = format!("the {kind} `{name}` has more than one of `{listed}`");
        found.push(
            second
                .named_at()
                .error(CODE, message)
                .fix("keep one of them"),
        );
    }
    let elsewhere = node.get("driver").is_some() || node.get("external").is_some();
    if there.is_empty() && !elsewhere {
        let message = format!("the {kind} `{name}` has none of `{listed}`");
        let diagnostic = node.named_at().error(CODE, message);
        found.push(diagnostic.fix("add one, or `external: true`"));
    }
}

fn addresses(service: &Node, found: &mut Vec<Diagnostic>) {
    for port in service
        .get("ports")
        .and_then(Node::list)
        .unwrap_or_default()
    {
        if let Some(host) = port.get("host_ip")
            && host.text().is_none_or(|ip| ip.parse::<IpAddr>().is_err())
        {
            found.push(host.at.error(CODE, "this is no IP address"));
        }
    }
}

fn devices(service: &Node, found: &mut Vec<Diagnostic>) {
    let resources = service
        .get("deploy")
        .and_then(|deploy| deploy.get("resources"));
    let reserved = resources.and_then(|node| node.get("reservations")?.get("devices"));
    let gpus = service.get("gpus");
    for device in [reserved, gpus]
        .into_iter()
        .flatten()
        .filter_map(Node::list)
        .flatten()
    {
        if let (Some(_), Some(ids)) = (device.get("count"), device.get("device_ids")) {
            let message = "`count` and `device_ids` exclude each other";
            found.push(ids.named_at().error(CODE, message).fix("keep one of them"));
        }
    }
}

fn watched(service: &Node, found: &mut Vec<Diagnostic>) {
    let watch = service
        .get("develop")
        .and_then(|develop| develop.get("watch"));
    for path in watch
        .and_then(Node::list)
        .unwrap_or_default()
        .iter()
        .filter_map(|w| w.get("path"))
    {
        if path.text() == Some("") {
            found.push(path.at.error(CODE, "`path` is empty"));
        }
    }
}
