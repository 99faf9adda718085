//! Every short form of a document as the mapping that it stands for, and what Compose adds where
//! nothing is said.

use super::{CODE, port, volume};
use crate::compose::tree::{Map, Node, Path, Value, scalar_text};
use crate::diagnostics::Diagnostic;

type Rewritten = Result<Value, Diagnostic>;

/// How the value of a key is rewritten; fields of what comes out are looked at in turn.
type Rule = fn(&Node) -> Rewritten;

const SHORT: &[(&str, Rule)] = &[
    ("services.*.build", build),
    ("services.*.build.additional_contexts", pairs),
    ("services.*.build.provenance", text),
    ("services.*.build.sbom", text),
    ("services.*.build.secrets.[]", file_mount),
    ("services.*.build.ssh", ssh),
    ("services.*.configs.[]", file_mount),
    ("services.*.depends_on", depends_on),
    ("services.*.develop.watch.[].ignore", list),
    ("services.*.develop.watch.[].include", list),
    ("services.*.devices.[]", device),
    ("services.*.dns", servers),
    ("services.*.env_file", env_files),
    ("services.*.extends", extends),
    ("services.*.gpus", gpus),
    ("services.*.label_file", list),
    ("services.*.models", names),
    ("services.*.networks", names),
    ("services.*.ports", ports),
    ("services.*.secrets.[]", file_mount),
    ("services.*.volumes.[]", mount),
    ("configs.*", external),
    ("networks.*", external),
    ("secrets.*", external),
    ("volumes.*", external),
];

const DEFAULTS: &[(&str, Rule)] = &[
    ("services.*.build", build_context),
    (
        "services.*.deploy.resources.reservations.devices.[]",
        device_count,
    ),
    ("services.*.gpus.[]", device_count),
    ("services.*.ports.[]", port_defaults),
    ("services.*.secrets.[]", secret_target),
];

/// Rewrites every short form.
pub(in crate::compose) fn canonical(node: &mut Node, path: &Path<'_>) -> Result<(), Diagnostic> {
    apply(SHORT, node, path)
}

/// Adds what Compose assumes.
pub(in crate::compose) fn defaults(node: &mut Node, path: &Path<'_>) -> Result<(), Diagnostic> {
    apply(DEFAULTS, node, path)
}

fn apply(rules: &[(&str, Rule)], node: &mut Node, path: &Path<'_>) -> Result<(), Diagnostic> {
    // Free text of people's own may look like anything.
    if path
        .names()
        .first()
        .is_some_and(|name| name.starts_with("x-"))
    {
        return Ok(());
    }
    if let Some((_, rule)) = rules.iter().find(|(pattern, _)| path.is(pattern)) {
        node.value = rule(node)?;
    }
    match &mut node.value {
        Value::Map(map) => map
            .iter_mut()
            .try_for_each(|(key, field)| apply(rules, field, &path.field(key))),
        Value::List(list) => list
            .iter_mut()
            .try_for_each(|item| apply(rules, item, &path.item())),
        _ => Ok(()),
    }
}

fn map_of<const N: usize>(fields: [(&str, Node); N]) -> Value {
    let fields = fields.map(|(key, node)| (key.to_owned(), node));
    Value::Map(Map::from_iter(fields))
}

/// The same mapping with fields that it does not have.
fn with_missing<const N: usize>(node: &Node, fields: [(&str, Node); N]) -> Value {
    let mut value = node.value.clone();
    if let Value::Map(map) = &mut value {
        for (key, field) in fields {
            map.entry(key.to_owned()).or_insert(field);
        }
    }
    value
}

fn build(node: &Node) -> Rewritten {
    Ok(match &node.value {
        Value::Text(_) => map_of([("context", node.here(node.value.clone()))]),
        value => value.clone(),
    })
}

fn build_context(node: &Node) -> Rewritten {
    Ok(with_missing(node, [("context", node.text_here("."))]))
}

fn text(node: &Node) -> Rewritten {
    let text = scalar_text(&node.value).map(Value::Text);
    Ok(text.unwrap_or_else(|| node.value.clone()))
}

fn list(node: &Node) -> Rewritten {
    Ok(match &node.value {
        Value::Text(_) => Value::List(vec![node.here(node.value.clone())]),
        value => value.clone(),
    })
}

/// A list without what is empty.
fn servers(node: &Node) -> Rewritten {
    let mut value = list(node)?;
    if let Value::List(list) = &mut value {
        list.retain(|item| !item.is_null() && item.text() != Some(""));
    }
    Ok(value)
}

fn names(node: &Node) -> Rewritten {
    let empty = |_: &Node| Value::Null;
    Ok(mapping_of(node, &empty))
}

fn depends_on(node: &Node) -> Rewritten {
    let started = |item: &Node| {
        map_of([
            ("condition", item.text_here("service_started")),
            ("required", item.here(Value::Bool(true))),
        ])
    };
    let mut value = mapping_of(node, &started);
    if let Value::Map(map) = &mut value {
        for (_, dependency) in map.iter_mut() {
            let required = dependency.here(Value::Bool(true));
            let condition = dependency.text_here("service_started");
            dependency.value = with_missing(
                dependency,
                [("condition", condition), ("required", required)],
            );
        }
    }
    Ok(value)
}

/// A list of names as a mapping.
fn mapping_of(node: &Node, value: &dyn Fn(&Node) -> Value) -> Value {
    let Value::List(list) = &node.value else {
        return node.value.clone();
    };
    let mut map = Map::new();
    for item in list {
        if let Some(name) = item.text() {
            let mut field = item.here(value(item));
            field.key = Some(item.at.clone());
            map.insert(name.to_owned(), field);
        }
    }
    Value::Map(map)
}

fn pairs(node: &Node) -> Rewritten {
    let Value::List(list) = &node.value else {
        return Ok(node.value.clone());
    };
    let mut map = Map::new();
    for item in list {
        let pair = item.text().and_then(|text| text.split_once('='));
        let (name, value) = pair.ok_or_else(|| {
            let found = item.at.error(CODE, "this is not `name=value`");
            found.fix("write `name=path`, or a mapping")
        })?;
        map.insert(name.to_owned(), item.text_here(value));
    }
    Ok(Value::Map(map))
}

fn ssh(node: &Node) -> Rewritten {
    let Value::List(list) = &node.value else {
        return Ok(node.value.clone());
    };
    let mut map = Map::new();
    for item in list {
        match item.text().map(|text| (text, text.split_once('='))) {
            Some((_, Some((id, path)))) => drop(map.insert(id.to_owned(), item.text_here(path))),
            Some(("default", None)) => drop(map.insert("default".into(), item.here(Value::Null))),
            _ => {
                let found = item.at.error(CODE, "this names no key");
                return Err(found.fix("write `default`, or `name=/path/to/key`"));
            }
        }
    }
    Ok(Value::Map(map))
}

fn file_mount(node: &Node) -> Rewritten {
    Ok(match &node.value {
        Value::Text(_) => map_of([("source", node.here(node.value.clone()))]),
        value => value.clone(),
    })
}

fn secret_target(node: &Node) -> Rewritten {
    let source = node.text_of("source").unwrap_or_default();
    let target = node.text_here(format!("/run/secrets/{source}"));
    Ok(with_missing(node, [("target", target)]))
}

fn env_files(node: &Node) -> Rewritten {
    let file = |item: &Node| {
        let required = item.here(Value::Bool(true));
        let value = match &item.value {
            Value::Text(_) => map_of([
                ("path", item.here(item.value.clone())),
                ("required", required),
            ]),
            _ => with_missing(item, [("required", required)]),
        };
        item.here(value)
    };
    Ok(match &node.value {
        Value::Text(_) => Value::List(vec![file(node)]),
        Value::List(list) => Value::List(list.iter().map(file).collect()),
        value => value.clone(),
    })
}

fn extends(node: &Node) -> Rewritten {
    Ok(match &node.value {
        Value::Text(_) => map_of([("service", node.here(node.value.clone()))]),
        value => value.clone(),
    })
}

fn gpus(node: &Node) -> Rewritten {
    Ok(match &node.value {
        Value::Text(_) => {
            let all = map_of([("count", node.text_here("all"))]);
            Value::List(vec![node.here(all)])
        }
        value => value.clone(),
    })
}

fn device_count(node: &Node) -> Rewritten {
    let has_ids = node.get("device_ids").is_some();
    Ok(match has_ids {
        true => node.value.clone(),
        false => with_missing(node, [("count", node.text_here("all"))]),
    })
}

fn device(node: &Node) -> Rewritten {
    let Value::Text(text) = &node.value else {
        return Ok(node.value.clone());
    };
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, permissions) = match parts[..] {
        [source] => (source, source, "rwm"),
        [source, target] => (source, target, "rwm"),
        [source, target, permissions] => (source, target, permissions),
        _ => {
            let found = node.at.error(CODE, "this device has too many parts");
            return Err(found.fix("write SOURCE[:TARGET[:PERMISSIONS]], or a mapping"));
        }
    };
    let target = if target.is_empty() { source } else { target };
    Ok(map_of([
        ("source", node.text_here(source)),
        ("target", node.text_here(target)),
        ("permissions", node.text_here(permissions)),
    ]))
}

fn ports(node: &Node) -> Rewritten {
    let Value::List(list) = &node.value else {
        return Ok(node.value.clone());
    };
    let mut ports = Vec::with_capacity(list.len());
    for item in list {
        let spec = match &item.value {
            Value::Text(text) => text.clone(),
            Value::Int(int) => int.to_string(),
            _ => {
                ports.push(item.clone());
                continue;
            }
        };
        let parsed = port::parse(&spec).map_err(|error| port::refused(item, &error))?;
        ports.extend(parsed.into_iter().map(|port| port::node(port, item)));
    }
    Ok(Value::List(ports))
}

fn port_defaults(node: &Node) -> Rewritten {
    let fields = [
        ("protocol", node.text_here("tcp")),
        ("mode", node.text_here("ingress")),
    ];
    Ok(with_missing(node, fields))
}

fn mount(node: &Node) -> Rewritten {
    let Value::Text(text) = &node.value else {
        return Ok(node.value.clone());
    };
    let spec = volume::parse(text).map_err(|error| volume::refused(node, &error))?;
    Ok(spec.node(node).value)
}

/// `external` with a name of its own is the old way to write `name`.
fn external(node: &Node) -> Rewritten {
    let external = node.get("external");
    let Some((external, old)) = external.and_then(|external| Some((external, external.map()?)))
    else {
        return Ok(node.value.clone());
    };
    let mut value = node.value.clone();
    if let Value::Map(map) = &mut value {
        if let Some(given) = old.get("name") {
            if map.get("name").is_some_and(|name| !name.same(given)) {
                let found = given.at.error(CODE, "`name` and `external.name` differ");
                return Err(found.fix("write `name: …` and `external: true`"));
            }
            map.insert("name".into(), given.clone());
        }
        let truth = external.clone().with(Value::Bool(true));
        map.insert("external".into(), truth);
    }
    Ok(value)
}
