//! Lists in which an item that comes again takes the place of the earlier one.

use std::collections::HashMap;

use super::CODE;
use crate::compose::short;
use crate::compose::tree::{Node, Path, Value, scalar_text};
use crate::diagnostics::Diagnostic;

/// What an item of a list is known by.
type Index = fn(&Node) -> Result<String, Diagnostic>;

const INDEXES: &[(&str, Index)] = &[
    ("networks.*.labels", name),
    ("networks.*.ipam.options", name),
    ("services.*.annotations", name),
    ("services.*.build.args", name),
    ("services.*.build.additional_contexts", name),
    ("services.*.build.platform", name),
    ("services.*.build.tags", name),
    ("services.*.build.labels", name),
    ("services.*.cap_add", name),
    ("services.*.cap_drop", name),
    ("services.*.devices", device),
    ("services.*.configs", config),
    ("services.*.deploy.labels", name),
    ("services.*.dns", name),
    ("services.*.dns_opt", name),
    ("services.*.dns_search", name),
    ("services.*.environment", name),
    ("services.*.env_file", env_file),
    ("services.*.expose", expose),
    ("services.*.labels", name),
    ("services.*.links", name),
    ("services.*.networks.*.aliases", name),
    ("services.*.networks.*.link_local_ips", name),
    ("services.*.ports", port),
    ("services.*.profiles", name),
    ("services.*.secrets", secret),
    ("services.*.sysctls", name),
    ("services.*.tmpfs", name),
    ("services.*.volumes", volume),
];

/// Leaves every item of such a list once: the last one, at the place of the first.
pub(in crate::compose) fn enforce_unique(
    node: &mut Node,
    path: &Path<'_>,
) -> Result<(), Diagnostic> {
    match &mut node.value {
        Value::Map(map) => {
            for (key, field) in map {
                enforce_unique(field, &path.field(key))?;
            }
        }
        Value::List(list) => {
            if let Some((_, index)) = INDEXES.iter().find(|(pattern, _)| path.is(pattern)) {
                *list = unique(std::mem::take(list), *index)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn unique(list: Vec<Node>, index: Index) -> Result<Vec<Node>, Diagnostic> {
    let mut kept: Vec<Node> = Vec::with_capacity(list.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in list {
        match places.entry(index(&item)?) {
            std::collections::hash_map::Entry::Occupied(at) => kept[*at.get()] = item,
            std::collections::hash_map::Entry::Vacant(at) => {
                at.insert(kept.len());
                kept.push(item);
            }
        }
    }
    Ok(kept)
}

/// What stands before `=`.
fn name(item: &Node) -> Result<String, Diagnostic> {
    let text = item.text().ok_or_else(|| wrong(item, "a text"))?;
    Ok(text.split('=').next().unwrap_or_default().to_owned())
}

fn volume(item: &Node) -> Result<String, Diagnostic> {
    match &item.value {
        Value::Text(text) => short::volume::parse(text)
            .map(|volume| volume.target.to_owned())
            .map_err(|error| short::volume::refused(item, &error)),
        Value::Map(_) => target(item),
        _ => Ok(String::new()),
    }
}

fn device(item: &Node) -> Result<String, Diagnostic> {
    match &item.value {
        Value::Text(text) => {
            let mut parts = text.split(':');
            let source = parts.next().unwrap_or_default();
            Ok(parts.next().unwrap_or(source).to_owned())
        }
        Value::Map(_) => target(item),
        _ => Ok(String::new()),
    }
}

fn target(item: &Node) -> Result<String, Diagnostic> {
    let target = item.text_of("target").ok_or_else(|| {
        let found = item.at.error(CODE, "`target` is missing");
        found.fix("add `target: /path/in/the/container`")
    })?;
    Ok(target.to_owned())
}

fn secret(item: &Node) -> Result<String, Diagnostic> {
    mount(item, "/run/secrets")
}

fn config(item: &Node) -> Result<String, Diagnostic> {
    mount(item, "")
}

fn mount(item: &Node, directory: &str) -> Result<String, Diagnostic> {
    match &item.value {
        Value::Text(source) => Ok(format!("{directory}/{source}")),
        Value::Map(_) => Ok(match (item.text_of("target"), item.text_of("source")) {
            (Some(target), _) => target.to_owned(),
            (None, source) => format!("{directory}/{}", source.unwrap_or_default()),
        }),
        _ => Err(wrong(item, "a name or a mapping")),
    }
}

fn expose(item: &Node) -> Result<String, Diagnostic> {
    match &item.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Int(int) => Ok(int.to_string()),
        _ => Err(wrong(item, "a port")),
    }
}

/// A published port that is a number is another one than the same as a text: that is so in
/// Compose.
fn port(item: &Node) -> Result<String, Diagnostic> {
    match &item.value {
        Value::Int(int) => Ok(int.to_string()),
        Value::Text(text) => Ok(text.clone()),
        Value::Map(_) => {
            let target = item.get("target").ok_or_else(|| {
                let found = item.at.error(CODE, "`target` is missing");
                found.fix("add the port in the container: `target: 80`")
            })?;
            let target = scalar_text(&target.value).unwrap_or_default();
            let published = match item.get("published").map(|node| &node.value) {
                Some(Value::Text(text)) => text.clone(),
                Some(other) => format!("number {}", scalar_text(other).unwrap_or_default()),
                None => "none".into(),
            };
            let host = item.text_of("host_ip").unwrap_or("0.0.0.0");
            let protocol = item.text_of("protocol").unwrap_or("tcp");
            Ok(format!("{host}:{published}:{target}/{protocol}"))
        }
        _ => Ok(String::new()),
    }
}

fn env_file(item: &Node) -> Result<String, Diagnostic> {
    match &item.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Map(_) => item.text_of("path").map(str::to_owned).ok_or_else(|| {
            let found = item.at.error(CODE, "`path` is missing");
            found.fix("add `path: FILE`")
        }),
        _ => Ok(String::new()),
    }
}

fn wrong(item: &Node, wanted: &str) -> Diagnostic {
    let found = item.at.error(CODE, format!("this is not {wanted}"));
    found.fix("write a text, in quotes where it looks like something else")
}
