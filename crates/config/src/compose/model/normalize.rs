//! What a document implies: the default network, names of resources, dependencies.

use crate::compose::interpolate::{Variables, bool_of};
use crate::compose::load::paths::clean;
use crate::compose::tree::{Map, Node, Value, scalar_text};

/// Says what is implied.
pub(in crate::compose) fn normalize(root: &mut Node, name: &str, variables: &Variables) {
    connect(root);
    let fields = root.map_mut().and_then(|map| map.get_mut("services"));
    for service in fields
        .and_then(Node::map_mut)
        .into_iter()
        .flat_map(Map::values_mut)
    {
        normalize_service(service, variables);
    }
    let text = root.text_here(name);
    if let Some(map) = root.map_mut() {
        map.insert("name".into(), text);
        for kind in ["networks", "volumes", "configs", "secrets"] {
            let resources = map.get_mut(kind).and_then(Node::map_mut);
            for (key, resource) in resources.into_iter().flatten() {
                name_resource(key, resource, name);
            }
        }
    }
}

/// Gives `- NAME` in lists the value of the variable.
pub(in crate::compose) fn inherit_environment(root: &mut Node, variables: &Variables) {
    let services = root.map_mut().and_then(|map| map.get_mut("services"));
    for service in services
        .and_then(Node::map_mut)
        .into_iter()
        .flat_map(Map::values_mut)
    {
        let environment = service.map_mut().and_then(|map| map.get_mut("environment"));
        if let Some(environment) = environment
            && environment.list().is_some()
        {
            resolve(environment, variables, true);
        }
    }
}

/// Connects services that say nothing to the default network.
fn connect(root: &mut Node) {
    let Some(map) = root.map_mut() else { return };
    let mut user = None;
    let services = map.get_mut("services").and_then(Node::map_mut);
    for service in services.into_iter().flat_map(Map::values_mut) {
        let (has, at) = (|key: &str| service.get(key).is_some(), service.clone());
        if has("provider") || has("network_mode") {
            continue;
        }
        let networks = service.get("networks").and_then(Node::map);
        let default = networks.is_none_or(|networks| networks.is_empty());
        let named = networks.is_some_and(|networks| networks.contains_key("default"));
        if default && let Some(fields) = service.map_mut() {
            let networks = Map::from_iter([("default".into(), at.here(Value::Null))]);
            fields.insert("networks".into(), at.here(Value::Map(networks)));
        }
        if default || named {
            user = Some(at);
        }
    }
    if let Some(user) = user {
        let networks = map
            .entry("networks".into())
            .or_insert_with(|| user.here(Value::Map(Map::new())));
        if let Some(networks) = networks.map_mut() {
            let default = networks.entry("default".into());
            default.or_insert_with(|| user.here(Value::Null));
        }
    }
}

fn normalize_service(service: &mut Node, variables: &Variables) {
    let at = service.here(Value::Null);
    let Some(map) = service.map_mut() else { return };
    if let Some(policy) = map.get_mut("pull_policy")
        && policy.text() == Some("if_not_present")
    {
        policy.value = Value::Text("missing".into());
    }
    if let Some(build) = map.get_mut("build") {
        normalize_build(build, variables);
    }
    if let Some(environment) = map.get_mut("environment") {
        resolve(environment, variables, true);
    }
    let volumes = map.get_mut("volumes").map(|node| &mut node.value);
    if let Some(Value::List(volumes)) = volumes {
        for target in volumes
            .iter_mut()
            .filter_map(|volume| volume.map_mut()?.get_mut("target"))
        {
            if let Some(text) = target.text() {
                target.value = Value::Text(clean(text));
            }
        }
    }
    let implied = implied_dependencies(map);
    if implied.is_empty() && map.get("depends_on").is_none() {
        return;
    }
    let dependencies = map
        .entry("depends_on".into())
        .or_insert_with(|| at.here(Value::Map(Map::new())));
    if let Some(dependencies) = dependencies.map_mut() {
        for (name, dependency) in implied {
            dependencies.entry(name).or_insert(dependency);
        }
    }
}

fn normalize_build(build: &mut Node, variables: &Variables) {
    let (context, dockerfile) = (build.text_here("."), build.text_here("Dockerfile"));
    let Some(map) = build.map_mut() else { return };
    map.entry("context".into()).or_insert(context);
    if !map.contains_key("dockerfile_inline") {
        map.entry("dockerfile".into()).or_insert(dockerfile);
    }
    if let Some(args) = map.get_mut("args") {
        resolve(args, variables, false);
    }
}

/// Dependencies that other keys imply, with whether a restart of the other one is followed.
fn implied_dependencies(map: &Map) -> Vec<(String, Node)> {
    let mut implied = Vec::new();
    let mut add = |name: &str, at: &Node, restart: bool| {
        let fields = Map::from_iter([
            ("condition".to_owned(), at.text_here("service_started")),
            ("restart".to_owned(), at.here(Value::Bool(restart))),
            ("required".to_owned(), at.here(Value::Bool(true))),
        ]);
        implied.push((name.to_owned(), at.here(Value::Map(fields))));
    };
    let texts = |key: &str| map.get(key).and_then(Node::list).unwrap_or_default();
    for link in texts("links") {
        let text = link.text().unwrap_or_default();
        match text.split(':').collect::<Vec<_>>()[..] {
            [service, _] => add(service, link, true),
            _ => add(text, link, true),
        }
    }
    for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
        if let Some(node) = map.get(key)
            && let Some(service) = node.text().and_then(|text| text.strip_prefix("service:"))
        {
            add(service, node, true);
        }
    }
    for from in texts("volumes_from") {
        let text = from.text().unwrap_or_default();
        if !text.starts_with("container:") {
            add(text.split(':').next().unwrap_or_default(), from, false);
        }
    }
    implied
}

/// Gives names without a value that of the variable. Those that have none stay or go.
fn resolve(node: &mut Node, variables: &Variables, keep: bool) {
    match &mut node.value {
        Value::Map(map) => {
            map.retain(|name, value| {
                if value.is_null()
                    && let Some(known) = variables.get(name)
                {
                    value.value = Value::Text(known.clone());
                }
                keep || !value.is_null()
            });
        }
        Value::List(list) => list.retain_mut(|item| {
            let Some(name) = item.text().filter(|text| !text.contains('=')) else {
                return true;
            };
            let known = variables.get(name).map(|value| format!("{name}={value}"));
            match known {
                Some(pair) => item.value = Value::Text(pair),
                None => return keep,
            }
            true
        }),
        _ => {}
    }
}

fn name_resource(key: &str, resource: &mut Node, project: &str) {
    if resource.is_null() {
        resource.value = Value::Map(Map::new());
    }
    if resource.get("name").is_some_and(|name| !name.is_null()) {
        return;
    }
    let external = resource
        .get("external")
        .and_then(|node| scalar_text(&node.value));
    let external = external.is_some_and(|text| text == "1" || bool_of(&text) == Some(true));
    let name = match external {
        true => key.to_owned(),
        false => format!("{project}_{key}"),
    };
    let name = resource.text_here(name);
    if let Some(map) = resource.map_mut() {
        map.insert("name".into(), name);
    }
}
