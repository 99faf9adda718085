//! `env_file` and `label_file`: what they say becomes part of the services' variables and labels.

use std::path::Path as FilePath;
use std::sync::Arc;

use super::extends::add_place;
use super::files::Files;
use crate::compose::interpolate::{Variables, bool_of};
use crate::compose::tree::{Map, Node, Place, Value};
use crate::diagnostics::{Diagnostics, Source};
use crate::dotenv;

/// The code of env files that cannot be used.
const CODE: &str = "compose-env-file";

/// Resolves the files of every service that is enabled.
pub(super) fn resolve(
    files: &mut Files,
    tree: &mut Node,
    root: &Node,
    variables: &Variables,
) -> Result<(), Diagnostics> {
    let services = tree.map_mut().and_then(|map| map.get_mut("services"));
    let services = services.and_then(Node::map_mut).into_iter().flatten();
    let mut found = Diagnostics::default();
    for (name, service) in services {
        let Some(raw) = root.get("services").and_then(|services| services.get(name)) else {
            continue;
        };
        let resolved =
            environment(files, service, raw, variables).and_then(|()| labels(files, service, raw));
        if let Err(more) = resolved {
            found.0.extend(more.0);
        }
    }
    super::stop_at(found.0)
}

fn environment(
    files: &mut Files,
    service: &mut Node,
    raw: &Node,
    variables: &Variables,
) -> Result<(), Diagnostics> {
    let own = service.get("environment").cloned();
    let own = own.unwrap_or_else(|| raw.here(Value::Map(Map::new())));
    let own_map = own.map().cloned().unwrap_or_default();
    let mut environment = Map::new();
    let entries = raw.get("env_file").and_then(Node::list).unwrap_or_default();
    for entry in entries {
        let Some(source) = env_file(files, entry)? else {
            continue;
        };
        let lookup = |name: &str| {
            let own = || own_map.get(name).and_then(Node::text).map(str::to_owned);
            variables.get(name).cloned().or_else(own)
        };
        let earlier = |name: &str| {
            environment
                .get(name)
                .and_then(Node::text)
                .map(str::to_owned)
        };
        let read = match entry.text_of("format") {
            Some("raw") => dotenv::parse_raw(&source, &lookup)?,
            _ => dotenv::parse_as_compose(&source, &lookup, &earlier)?,
        };
        put(&mut environment, &source, read);
    }
    for (name, value) in own_map {
        environment.insert(name, value);
    }
    set(service, "environment", own, environment);
    Ok(())
}

/// The file of an entry; nothing where it is missing and need not be there.
fn env_file(files: &mut Files, entry: &Node) -> Result<Option<Arc<Source>>, Diagnostics> {
    let Some(path) = entry.text_of("path") else {
        return Ok(None);
    };
    let required = match entry.get("required").map(|node| &node.value) {
        Some(Value::Bool(required)) => *required,
        Some(Value::Text(text)) => bool_of(text) != Some(false),
        _ => true,
    };
    if !FilePath::new(path).exists() {
        if !required {
            return Ok(None);
        }
        let message = format!("there is no file {}", files.shown(path.as_ref()));
        let found = entry.at.error(CODE, message);
        return Err(found.fix("write the file, or add `required: false`").into());
    }
    let format = entry
        .get("format")
        .filter(|format| !["", ".env", "raw"].contains(&format.text().unwrap_or_default()));
    if let Some(format) = format {
        let found = format
            .at
            .error(CODE, "there is no such format of env files");
        return Err(found.fix("write `raw`, or take `format` away").into());
    }
    files
        .read_secret(path)
        .map(Some)
        .map_err(|found| add_place(found.into(), entry))
}

fn labels(files: &mut Files, service: &mut Node, raw: &Node) -> Result<(), Diagnostics> {
    let entries = raw
        .get("label_file")
        .and_then(Node::list)
        .unwrap_or_default();
    if entries.is_empty() {
        return Ok(());
    }
    let own = service.get("labels").cloned();
    let own = own.unwrap_or_else(|| raw.here(Value::Map(Map::new())));
    let mut labels = Map::new();
    for entry in entries {
        let Some(path) = entry.text() else { continue };
        let source = files
            .read_secret(path)
            .map_err(|found| add_place(found.into(), entry))?;
        let known = |name: &str| labels.get(name).and_then(Node::text).map(str::to_owned);
        let read = dotenv::parse_as_compose(&source, &known, &|_| None)?;
        put(&mut labels, &source, read);
    }
    for (name, value) in own.map().cloned().unwrap_or_default() {
        labels.insert(name, value);
    }
    set(service, "labels", own, labels);
    Ok(())
}

fn put(map: &mut Map, source: &Arc<Source>, read: dotenv::EnvFile) {
    for entry in read.entries {
        let at = Place {
            file: Arc::clone(source),
            span: entry.span,
        };
        map.insert(entry.name, Node::new(Value::Text(entry.value), at));
    }
}

fn set(service: &mut Node, key: &str, old: Node, mut fields: Map) {
    if let Some(map) = service.map_mut() {
        if fields.is_empty() {
            map.shift_remove(key);
        } else {
            fields.sort_unstable_keys();
            map.insert(key.to_owned(), old.with(Value::Map(fields)));
        }
    }
}
