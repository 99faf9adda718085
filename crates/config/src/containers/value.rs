//! Values of the canonical form, in the model's types.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::compose::{Node, Value, nanoseconds};

pub(super) fn text(node: &Node, key: &str) -> Option<String> {
    node.text_of(key).map(str::to_owned)
}

pub(super) fn texts(node: &Node, key: &str) -> Vec<String> {
    let list = node.get(key).and_then(Node::list).unwrap_or_default();
    list.iter()
        .filter_map(Node::text)
        .map(str::to_owned)
        .collect()
}

/// A mapping of texts; what has no value is empty.
pub(super) fn pairs(node: &Node, key: &str) -> BTreeMap<String, String> {
    let map = node.get(key).and_then(Node::map);
    map.into_iter()
        .flatten()
        .map(|(name, node)| (name.clone(), node.text().unwrap_or_default().to_owned()))
        .collect()
}

pub(super) fn flag(node: &Node, key: &str) -> bool {
    said_flag(node, key) == Some(true)
}

/// What is said of it, which may be `false`.
pub(super) fn said_flag(node: &Node, key: &str) -> Option<bool> {
    match node.get(key)?.value {
        Value::Bool(flag) => Some(flag),
        _ => None,
    }
}

/// A whole number that its type has room for.
pub(super) fn whole<T: TryFrom<i128>>(node: &Node, key: &str) -> Option<T> {
    whole_of(node.get(key)?)
}

pub(super) fn whole_of<T: TryFrom<i128>>(node: &Node) -> Option<T> {
    match node.value {
        Value::Int(int) => T::try_from(int).ok(),
        _ => None,
    }
}

pub(super) fn float(node: &Node, key: &str) -> Option<f64> {
    match node.get(key)?.value {
        Value::Float(float) => Some(float),
        Value::Int(int) => Some(int as f64),
        _ => None,
    }
}

/// A size, which the canonical form writes as a text of digits.
pub(super) fn bytes<T: TryFrom<i64>>(node: &Node, key: &str) -> Option<T> {
    let bytes: i64 = node.text_of(key)?.parse().ok()?;
    T::try_from(bytes).ok()
}

pub(super) fn duration(node: &Node, key: &str) -> Option<Duration> {
    let nanos = nanoseconds(node.text_of(key)?)?;
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

pub(super) fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).and_then(Node::list).unwrap_or_default()
}

/// The fields of a mapping.
pub(super) fn fields<'a>(node: &'a Node, key: &str) -> impl Iterator<Item = (&'a str, &'a Node)> {
    let map = node.get(key).and_then(Node::map);
    map.into_iter()
        .flatten()
        .map(|(name, node)| (name.as_str(), node))
}
