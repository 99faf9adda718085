//! Keys that are merged in a way of their own.

use std::collections::HashSet;

use super::{CODE, Path, fields, join, mismatch};
use crate::compose::tree::{Map, Node, Value, fingerprint, scalar_text};
use crate::diagnostics::Diagnostic;

type Merged = Result<Node, Diagnostic>;

/// The later one counts.
pub(super) fn replace(_: Node, over: Node, _: &Path<'_>) -> Merged {
    Ok(over)
}

/// Both as lists of `name=value`, joined. Which of two with one name counts is said later.
pub(super) fn sequence(base: Node, over: Node, _: &Path<'_>) -> Merged {
    Ok(join(as_sequence(base), as_sequence(over)))
}

/// The same, but what is there twice stays once.
pub(super) fn extra_hosts(base: Node, over: Node, _: &Path<'_>) -> Merged {
    let base = as_sequence(base);
    let mut over = as_sequence(over);
    if let (Some(there), Value::List(more)) = (base.list(), &mut over.value) {
        let there: HashSet<String> = there.iter().map(fingerprint).collect();
        more.retain(|host| !there.contains(&fingerprint(host)));
    }
    Ok(join(base, over))
}

/// A path is short for a mapping with a context.
pub(super) fn build(base: Node, over: Node, path: &Path<'_>) -> Merged {
    let mapping = |node: Node| match &node.value {
        Value::Text(_) => {
            let context = node.clone();
            node.with(Value::Map(Map::from_iter([("context".into(), context)])))
        }
        Value::Map(_) => node,
        _ => node.with(Value::Map(Map::new())),
    };
    fields(mapping(base), mapping(over), path)
}

/// Names are short for services that have to be started.
pub(super) fn depends_on(base: Node, over: Node, path: &Path<'_>) -> Merged {
    let started = |name: &Node| {
        let condition = name.text_here("service_started");
        let required = name.here(Value::Bool(true));
        let map = [
            ("condition".into(), condition),
            ("required".into(), required),
        ];
        Value::Map(Map::from_iter(map))
    };
    fields(as_mapping(base, &started), as_mapping(over, &started), path)
}

/// Names are short for names without settings.
pub(super) fn names(base: Node, over: Node, path: &Path<'_>) -> Merged {
    let empty = |_: &Node| Value::Null;
    fields(as_mapping(base, &empty), as_mapping(over, &empty), path)
}

/// Options of one driver mean nothing to another one.
pub(super) fn logging(base: Node, over: Node, path: &Path<'_>) -> Merged {
    let (Some(old), Some(new)) = (base.map(), over.map()) else {
        return Err(mismatch(&base, &over, path));
    };
    let other_driver = match (old.get("driver"), new.get("driver")) {
        (Some(old), Some(new)) => !old.same(new),
        _ => false,
    };
    match other_driver {
        true => Ok(over),
        false => fields(base, over, path),
    }
}

/// Address pools are known by their subnets. Where both sides have several, what comes out is
/// hardly what was meant, but it is what Compose makes of them.
pub(super) fn pools(base: Node, over: Node, path: &Path<'_>) -> Merged {
    let (Some(old), Some(new)) = (base.list(), over.list()) else {
        let message = format!("`{path}` is a list of mappings");
        let found = over.named_at().error(CODE, message);
        return Err(found.fix("write `- subnet: …`"));
    };
    let mut pools: Vec<Node> = Vec::new();
    for old in old {
        let mut old = old.clone();
        // Where it went: what is laid over it later changes these as well.
        let mut places: Vec<usize> = Vec::new();
        for new in new {
            let known = pools.iter().any(|pool| same_subnet(pool, new));
            if !same_subnet(new, &old) && !known {
                pools.push(new.clone());
                continue;
            }
            old = fields(old, new.clone(), path)?;
            for &place in &places {
                pools[place] = old.clone();
            }
            let place = pools.iter().position(|pool| same_subnet(pool, &old));
            let place = place.unwrap_or(pools.len());
            match pools.get_mut(place) {
                Some(pool) => *pool = old.clone(),
                None => pools.push(old.clone()),
            }
            places.push(place);
        }
    }
    Ok(base.with(Value::List(pools)))
}

fn same_subnet(pool: &Node, other: &Node) -> bool {
    match (pool.get("subnet"), other.get("subnet")) {
        (Some(a), Some(b)) => a.same(b),
        (None, None) => true,
        _ => false,
    }
}

fn as_sequence(node: Node) -> Node {
    let list = match &node.value {
        Value::List(_) => return node,
        Value::Text(_) => vec![node.clone()],
        Value::Map(map) => pairs(map),
        _ => Vec::new(),
    };
    node.with(Value::List(list))
}

/// The fields as `name=value`, by name.
fn pairs(map: &Map) -> Vec<Node> {
    let mut pairs = Vec::with_capacity(map.len());
    for (key, node) in map {
        match &node.value {
            Value::Null => pairs.push(node.text_here(key)),
            Value::List(values) => {
                for value in values {
                    pairs.push(pair(key, value, node));
                }
            }
            _ => pairs.push(pair(key, node, node)),
        }
    }
    pairs.sort_by(|a, b| a.text().cmp(&b.text()));
    pairs
}

/// `name=value`; what is no text or number stays as it is, to be refused where it is looked at.
fn pair(key: &str, value: &Node, named: &Node) -> Node {
    let is_date = matches!(value.value, Value::Date(_));
    match scalar_text(&value.value).filter(|_| !is_date) {
        Some(text) => Node {
            key: named.key.clone(),
            ..value.text_here(format!("{key}={text}"))
        },
        None => value.clone(),
    }
}

fn as_mapping(node: Node, value: &dyn Fn(&Node) -> Value) -> Node {
    let Value::List(list) = &node.value else {
        return match &node.value {
            Value::Map(_) => node,
            _ => node.with(Value::Map(Map::new())),
        };
    };
    let mut map = Map::new();
    for name in list {
        if let Some(text) = name.text() {
            let mut field = name.here(value(name));
            field.key = Some(name.at.clone());
            map.insert(text.to_owned(), field);
        }
    }
    node.with(Value::Map(map))
}
