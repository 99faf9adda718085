//! A resolved document as Compose prints it: every value of the type of its key, nothing that
//! says nothing.

mod leaf;

use super::spec::{Fields, Form, Key};
use super::tree::{Map, Node, Path, Value};
use crate::diagnostics::Diagnostic;

/// The code of values that are not what their key takes.
pub(super) const CODE: &str = "compose-value";

/// Brings a mapping into the canonical form; all mistakes are pushed to `found`.
pub(super) fn fields(
    node: &Node,
    fields: &'static Fields,
    path: &Path<'_>,
    found: &mut Vec<Diagnostic>,
) -> Node {
    let mut out = Map::new();
    for key in fields.keys {
        let said = node.get(key.name).filter(|value| !value.is_null());
        let value = match said {
            Some(value) => converted(value, key, &path.field(key.name), found),
            None => None,
        };
        let value = value.or_else(|| unsaid(node, key, &path.field(key.name), found));
        if let Some(value) = value {
            out.insert(key.shown.to_owned(), value);
        }
    }
    Node {
        value: Value::Map(out),
        at: node.at.clone(),
        key: node.key.clone(),
    }
}

/// What stands for a key of which nothing is said.
fn unsaid(
    node: &Node,
    key: &'static Key,
    path: &Path<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let value = match key.form {
        Form::Whatever(nested) => {
            let empty = node.here(Value::Map(Map::new()));
            return Some(fields(&empty, nested, path, found));
        }
        _ if !key.always => return None,
        Form::Command => Value::Null,
        Form::Flag => Value::Bool(false),
        Form::Whole | Form::Unsigned => Value::Int(0),
        Form::Bytes => Value::Text("0".into()),
        _ => Value::Text(String::new()),
    };
    Some(node.here(value))
}

fn converted(
    node: &Node,
    key: &'static Key,
    path: &Path<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let value = match key.form {
        Form::Hidden => return None,
        Form::Fields(nested) | Form::Whatever(nested) => {
            return Some(fields(node, nested, path, found));
        }
        Form::Each(nested) => {
            let list = node.list().unwrap_or_default();
            let item = path.item();
            let list: Vec<Node> = list
                .iter()
                .map(|node| fields(node, nested, &item, found))
                .collect();
            (!list.is_empty()).then_some(Value::List(list))
        }
        Form::Named(nested) => named(node, nested, path, found),
        form => leaf::convert(node, form).unwrap_or_else(|wrong| {
            let name = key.name;
            let error = wrong.at.error(CODE, format!("`{name}`: {}", wrong.message));
            found.push(error.fix(wrong.fix));
            None
        }),
    };
    value.map(|value| node.clone().with(value))
}

/// By name, as Compose has it.
fn named(
    node: &Node,
    nested: &'static Fields,
    path: &Path<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let mut out = Map::new();
    for (name, field) in node.map()? {
        let value = match field.is_null() {
            true => field.clone(),
            false => fields(field, nested, &path.field(name), found),
        };
        out.insert(name.clone(), value);
    }
    out.sort_unstable_keys();
    (!out.is_empty()).then_some(Value::Map(out))
}

/// The tree as JSON; `$` is doubled, so that the result is a Compose file that means the same.
pub(super) fn json(node: &Node) -> serde_json::Value {
    use serde_json::Value as Json;
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Int(int) => match i64::try_from(*int) {
            Ok(int) => int.into(),
            Err(_) => u64::try_from(*int).map_or(Json::Null, Json::from),
        },
        Value::Float(float) if float.fract() == 0.0 && float.abs() < 1e15 => {
            Json::from(*float as i64)
        }
        Value::Float(float) => {
            serde_json::Number::from_f64(*float).map_or(Json::Null, Json::Number)
        }
        Value::Text(text) | Value::Date(text) => Json::String(text.replace('$', "$$")),
        Value::List(list) => Json::Array(list.iter().map(json).collect()),
        Value::Map(map) => {
            let fields = map.iter();
            Json::Object(
                fields
                    .map(|(key, node)| (key.replace('$', "$$"), json(node)))
                    .collect(),
            )
        }
    }
}
