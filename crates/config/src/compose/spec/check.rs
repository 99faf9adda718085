//! Whether a document is what the tables say; every mistake at once.

use std::collections::HashMap;

use super::shape::{BOOL, Fields, INT, NULL, NUMBER, Names, Shape, TEXT};
use crate::compose::tree::{MOST_FOUND, Map, Node, Value, fingerprint};
use crate::diagnostics::{Diagnostic, nearest};

/// The code of what is not as the specification has it.
const CODE: &str = "compose-key";

/// Finds all that is wrong.
pub(in crate::compose) fn check(node: &Node, fields: &'static Fields) -> Vec<Diagnostic> {
    let mut checker = Checker { found: Vec::new() };
    match node.map() {
        Some(map) => checker.fields(node, map, fields, "the file"),
        None => {
            let found = node.at.error(CODE, "a Compose file is a mapping");
            checker.found.push(found.fix("begin with `services:`"));
        }
    }
    checker.found
}

struct Checker {
    found: Vec<Diagnostic>,
}

impl Checker {
    fn shape(&mut self, node: &Node, shape: &Shape, name: &str) {
        if self.found.len() >= MOST_FOUND {
            return;
        }
        match (shape, &node.value) {
            (Shape::Either(shapes), _) => {
                match shapes.iter().find(|shape| shape.has_type_of(node)) {
                    Some(shape) => self.shape(node, shape, name),
                    None => self.wrong(node, shape, name),
                }
            }
            (shape, _) if !shape.has_type_of(node) => self.wrong(node, shape, name),
            (Shape::List(item), Value::List(list)) => self.items(list, item, name),
            (Shape::Set(item), Value::List(list)) => {
                self.items(list, item, name);
                self.twice(list, name);
            }
            (Shape::Fields(fields), Value::Map(map)) => self.fields(node, map, fields, name),
            (Shape::Named(item, names), Value::Map(map)) => self.named(map, item, *names, name),
            (Shape::Fitting(fits, wanted), Value::Text(text)) if !fits(text) => {
                let message = format!("`{name}` is {wanted}");
                self.found.push(node.at.error(CODE, message));
            }
            (Shape::Word(words), Value::Text(text)) if !words.contains(&text.as_str()) => {
                self.word(node, text, words, name);
            }
            (Shape::Between(least, most), value) => self.between(node, value, *least, *most, name),
            _ => {}
        }
    }

    fn items(&mut self, list: &[Node], item: &Shape, name: &str) {
        for node in list {
            self.shape(node, item, name);
        }
    }

    fn twice(&mut self, list: &[Node], name: &str) {
        let mut seen: HashMap<String, &Node> = HashMap::with_capacity(list.len());
        for node in list {
            if let Some(first) = seen.insert(fingerprint(node), node) {
                let found = node.at.error(CODE, format!("`{name}` holds this twice"));
                let found = found.near(&first.at.file, first.at.span.clone(), "the first one");
                self.found.push(found.fix("take one of them away"));
            }
        }
    }

    fn fields(&mut self, node: &Node, map: &Map, fields: &'static Fields, name: &str) {
        for (key, field) in map {
            if let Some(known) = fields.key(key) {
                self.shape(field, &known.shape, key);
            } else if !(fields.extensible && key.starts_with("x-")) {
                self.unknown(key, field, fields, name);
            }
        }
        for required in fields
            .required
            .iter()
            .filter(|key| !map.contains_key(**key))
        {
            let found = node
                .named_at()
                .error(CODE, format!("`{name}` needs `{required}`"));
            self.found.push(found.fix(format!("add `{required}: …`")));
        }
    }

    fn unknown(&mut self, key: &str, field: &Node, fields: &'static Fields, name: &str) {
        if self.found.len() >= MOST_FOUND {
            return;
        }
        let message = match name {
            "the file" => format!("Compose files have no key `{key}`"),
            name => format!("`{name}` has no key `{key}`"),
        };
        let found = field.named_at().error(CODE, message);
        let names = fields.keys.iter().map(|key| key.name);
        self.found.push(match nearest(key, names) {
            Some(near) => found.fix(format!("did you mean `{near}`?")),
            None if fields.extensible => found.fix(format!(
                "take it away, or call it `x-{key}` if another program reads it"
            )),
            None => found.fix("take it away"),
        });
    }

    fn named(&mut self, map: &Map, item: &Shape, names: Names, name: &str) {
        for (key, field) in map {
            let fits = match names {
                Names::Any => !key.is_empty(),
                Names::Plain | Names::PlainOrFree => is_plain(key),
                Names::LowerOrFree => {
                    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase())
                }
            };
            if fits {
                self.shape(field, item, key);
            } else if matches!(names, Names::Any | Names::Plain) {
                let message = format!("`{name}` cannot hold the name {key:?}");
                let found = field.named_at().error(CODE, message);
                let fix = "a name is made of letters, digits, `.`, `_` and `-`";
                self.found.push(found.fix(fix));
            }
        }
    }

    fn word(&mut self, node: &Node, text: &str, words: &[&str], name: &str) {
        let message = format!("`{name}` cannot be {text:?}");
        let fix = match nearest(text, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of {}", listed(words)),
        };
        self.found.push(node.at.error(CODE, message).fix(fix));
    }

    fn between(&mut self, node: &Node, value: &Value, least: i128, most: i128, name: &str) {
        let number = match value {
            Value::Int(int) => *int,
            Value::Float(float) => *float as i128,
            _ => return,
        };
        if !(least..=most).contains(&number) {
            let message = match most {
                i128::MAX => format!("`{name}` is {least} or more"),
                most => format!("`{name}` is between {least} and {most}"),
            };
            self.found.push(node.at.error(CODE, message));
        }
    }

    fn wrong(&mut self, node: &Node, shape: &Shape, name: &str) {
        let wanted = shape.described();
        let message = format!("`{name}` is {wanted}, and this is {}", kind(&node.value));
        let found = node.at.error(CODE, message);
        let texts = matches!(
            node.value,
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Date(_)
        );
        let found = match (texts && wanted.contains("text"), node.is_null()) {
            (true, _) => found.fix("put it in quotes"),
            (false, true) => found.fix("write a value, or take the key away"),
            (false, false) => found,
        };
        self.found.push(found);
    }
}

fn is_plain(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.bytes().all(fits)
}

fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "`true` or `false`",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::Date(_) => "a date",
        Value::Text(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}

impl Shape {
    /// Whether a value of this type may stand here, whatever it holds.
    fn has_type_of(&self, node: &Node) -> bool {
        match (self, &node.value) {
            (Self::Either(shapes), _) => shapes.iter().any(|shape| shape.has_type_of(node)),
            (Self::Scalar(types), Value::Text(_)) => types & TEXT != 0,
            (Self::Scalar(types), Value::Bool(_)) => types & BOOL != 0,
            (Self::Scalar(types), Value::Int(_)) => types & (INT | NUMBER) != 0,
            (Self::Scalar(types), Value::Float(float)) => {
                types & NUMBER != 0 || types & INT != 0 && float.fract() == 0.0
            }
            (Self::Scalar(types), Value::Null) => types & NULL != 0,
            (Self::Word(_) | Self::Fitting(..) | Self::Between(..), Value::Text(_))
            | (Self::Between(..), Value::Int(_))
            | (Self::List(_) | Self::Set(_), Value::List(_))
            | (Self::Fields(_) | Self::Named(..), Value::Map(_)) => true,
            (Self::Between(..), Value::Float(float)) => float.fract() == 0.0,
            _ => false,
        }
    }

    /// What it is, for people.
    fn described(&self) -> String {
        match self {
            Self::Scalar(types) => {
                let names = [
                    (TEXT, "a text"),
                    (NUMBER, "a number"),
                    (INT, "a whole number"),
                    (BOOL, "`true` or `false`"),
                    (NULL, "nothing"),
                ];
                let names = names.iter().filter(|(bit, _)| types & bit != 0);
                either(names.map(|(_, name)| (*name).to_owned()).collect())
            }
            Self::Word(words) => format!("one of {}", listed(words)),
            Self::Fitting(_, wanted) => (*wanted).to_owned(),
            Self::Between(..) => "a whole number or a text".to_owned(),
            Self::List(_) | Self::Set(_) => "a list".to_owned(),
            Self::Fields(_) | Self::Named(..) => "a mapping".to_owned(),
            Self::Either(shapes) => either(shapes.iter().map(Shape::described).collect()),
        }
    }
}

fn either(mut names: Vec<String>) -> String {
    match (names.pop(), names.len()) {
        (Some(last), 0) => last,
        (Some(last), _) => format!("{} or {last}", names.join(", ")),
        (None, _) => String::new(),
    }
}
