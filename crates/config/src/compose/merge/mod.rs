//! What becomes of a document when another one is laid over it.
//!
//! Mappings are merged field by field, lists are joined, everything else is replaced. The table
//! below holds the keys for which that is not what people mean.

mod special;
mod unique;

use super::tree::{Map, Node, Path, Value};
use crate::diagnostics::Diagnostic;

pub(super) use unique::enforce_unique;

/// The code of what cannot be merged.
const CODE: &str = "compose-merge";

/// How two values of a key become one.
type Rule = fn(Node, Node, &Path<'_>) -> Result<Node, Diagnostic>;

const RULES: &[(&str, Rule)] = &[
    ("networks.*.ipam.config", special::pools),
    ("networks.*.labels", special::sequence),
    ("volumes.*.labels", special::sequence),
    ("services.*.annotations", special::sequence),
    ("services.*.build", special::build),
    ("services.*.build.args", special::sequence),
    ("services.*.build.additional_contexts", special::sequence),
    ("services.*.build.extra_hosts", special::extra_hosts),
    ("services.*.build.labels", special::sequence),
    ("services.*.command", special::replace),
    ("services.*.depends_on", special::depends_on),
    ("services.*.deploy.labels", special::sequence),
    ("services.*.dns", special::sequence),
    ("services.*.dns_opt", special::sequence),
    ("services.*.dns_search", special::sequence),
    ("services.*.entrypoint", special::replace),
    ("services.*.env_file", special::sequence),
    ("services.*.label_file", special::sequence),
    ("services.*.environment", special::sequence),
    ("services.*.extra_hosts", special::extra_hosts),
    ("services.*.healthcheck.test", special::replace),
    ("services.*.labels", special::sequence),
    ("services.*.logging", special::logging),
    ("services.*.models", special::names),
    ("services.*.networks", special::names),
    ("services.*.sysctls", special::sequence),
    ("services.*.tmpfs", special::sequence),
    ("services.*.ulimits.*", special::replace),
];

/// Lays one value over another.
pub(super) fn merge(base: Node, over: Node, path: &Path<'_>) -> Result<Node, Diagnostic> {
    if let Some((_, rule)) = RULES.iter().find(|(pattern, _)| path.is(pattern)) {
        return rule(base, over, path);
    }
    if over.is_null() {
        return Ok(base);
    }
    match (&base.value, &over.value) {
        (Value::Map(_), Value::Map(_)) => fields(base, over, path),
        (Value::List(_), Value::List(_)) => Ok(join(base, over)),
        (Value::Map(_) | Value::List(_), _) => Err(mismatch(&base, &over, path)),
        _ => Ok(over),
    }
}

/// Lays one mapping over another, field by field.
fn fields(mut base: Node, over: Node, path: &Path<'_>) -> Result<Node, Diagnostic> {
    let over = match over.value {
        Value::Map(map) => map,
        _ => Map::new(),
    };
    if let Some(map) = base.map_mut() {
        for (key, value) in over {
            let merged = match map.get_mut(&key) {
                Some(old) => {
                    let empty = old.here(Value::Null);
                    let old = std::mem::replace(old, empty);
                    merge(old, value, &path.field(&key))?
                }
                None => value,
            };
            map.insert(key, merged);
        }
    }
    Ok(base)
}

fn join(mut base: Node, over: Node) -> Node {
    if let (Value::List(list), Value::List(more)) = (&mut base.value, over.value) {
        list.extend(more);
    }
    base
}

fn mismatch(base: &Node, over: &Node, path: &Path<'_>) -> Diagnostic {
    let kind = if base.map().is_some() {
        "mapping"
    } else {
        "list"
    };
    let found = over
        .named_at()
        .error(CODE, format!("`{path}` cannot be merged"));
    let at = base.named_at();
    found
        .near(&at.file, at.span.clone(), format!("a {kind} here"))
        .fix(format!("write a {kind}, or `!override` before the value"))
}
