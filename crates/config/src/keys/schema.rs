//! The registry as JSON schema, for editors.

use serde_json::{Map, Value, json};

use super::{Key, Kind, ROOT, Section};

/// The JSON schema of `landfall.toml`.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    define(&ROOT, &mut definitions);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "landfall.toml",
    });
    if let (Some(Value::Object(root)), Value::Object(schema)) =
        (definitions.remove(ROOT.id), &mut schema)
    {
        schema.extend(root);
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

fn define(section: &'static Section, definitions: &mut Map<String, Value>) {
    if definitions.contains_key(section.id) {
        return;
    }
    definitions.insert(section.id.to_owned(), Value::Null);
    let keys = section.keys.iter();
    let known = keys.filter(|key| !matches!(key.kind, Kind::Later));
    let properties: Map<String, Value> = known
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let required: Vec<&str> = section
        .keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    let definition = json!({
        "description": section.doc,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    definitions.insert(section.id.to_owned(), definition);
    for below in section.keys.iter().flat_map(|key| key.kind.sections()) {
        define(below, definitions);
    }
}

fn property(key: &Key) -> Value {
    let mut schema = of_kind(&key.kind);
    if let Value::Object(schema) = &mut schema {
        let description = if key.default.is_empty() {
            key.doc.to_owned()
        } else {
            format!("{}\n\nDefault: {}", key.doc, key.default)
        };
        schema.insert("description".to_owned(), description.into());
        if let Some(default) = literal(key.default) {
            schema.insert("default".to_owned(), default);
        }
        if let Some(example) = literal(key.example) {
            schema.insert("examples".to_owned(), json!([example]));
        }
    }
    schema
}

/// A value as it is written in TOML, as JSON; `None` for prose.
fn literal(toml: &str) -> Option<Value> {
    let table: toml::Table = toml::from_str(&format!("value = {toml}")).ok()?;
    serde_json::to_value(table.get("value")?).ok()
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Text(_) => json!({ "type": "string" }),
        Kind::Duration => json!({
            "type": "string",
            "pattern": "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d) *)+$",
        }),
        Kind::Size => json!({
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]+)? *([kKmMgGtT]([iI]?[bB])?|[bB])$",
        }),
        Kind::Argv => json!({ "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ] }),
        Kind::Integer(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Kind::Number(from, to) => json!({ "type": "number", "minimum": from, "maximum": to }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::True => json!({ "const": true }),
        Kind::Status => json!({ "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^([1-5]xx|[1-5][0-9]{2}(-[1-5][0-9]{2})?)$" },
        ] }),
        Kind::Choice(choices) => json!({ "enum": choices }),
        Kind::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Kind::List(item) => json!({ "type": "array", "items": of_kind(item) }),
        Kind::Map(item) => json!({ "type": "object", "additionalProperties": of_kind(item) }),
        Kind::Table(section) => json!({ "$ref": format!("#/$defs/{}", section.id) }),
        Kind::Any(kinds) => {
            json!({ "anyOf": kinds.iter().map(of_kind).collect::<Vec<_>>() })
        }
        Kind::Later => Value::Bool(false),
    }
}
