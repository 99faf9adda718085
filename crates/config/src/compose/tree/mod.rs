//! A document as a tree whose every node knows where it was written.
//!
//! Values are what YAML makes of them; what Compose makes of them is decided elsewhere.

mod path;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::diagnostics::{Diagnostic, Source};

pub(crate) use path::Path;

/// Mistakes and remarks of a kind, at most: nobody reads more, and files that nobody wrote by hand
/// could have any number.
pub(crate) const MOST_FOUND: usize = 100;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<Source>,
    /// Byte range in its text.
    pub span: Range<usize>,
}

impl Place {
    /// Line, from 1.
    pub fn line(&self) -> usize {
        self.file.line_column(self.span.start).0
    }

    /// An error about this place.
    pub(crate) fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message).at(&self.file, self.span.clone(), "")
    }

    /// A warning about this place.
    pub(crate) fn warning(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, message).at(&self.file, self.span.clone(), "")
    }
}

/// The fields of a mapping, in the order in which they were written.
pub(crate) type Map = IndexMap<String, Node>;

/// A value, and where it was written.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    /// Where the value stands.
    pub(crate) at: Place,
    /// Where its key stands, if it is a field of a mapping.
    pub(crate) key: Option<Place>,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// Wide enough for all that YAML calls an integer.
    Int(i128),
    Float(f64),
    /// A plain scalar that YAML reads as a date: the text as it was written.
    Date(String),
    Text(String),
    List(Vec<Node>),
    Map(Map),
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of variables are secrets more often than not.
        f.debug_struct("Node")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Node {
    pub(crate) fn new(value: Value, at: Place) -> Self {
        Self {
            value,
            at,
            key: None,
        }
    }

    /// A text at the place of this node.
    pub(crate) fn text_here(&self, text: impl Into<String>) -> Self {
        Self::new(Value::Text(text.into()), self.at.clone())
    }

    /// Any value at the place of this node.
    pub(crate) fn here(&self, value: Value) -> Self {
        Self::new(value, self.at.clone())
    }

    /// The same with another value.
    pub(crate) fn with(self, value: Value) -> Self {
        Self { value, ..self }
    }

    /// Where it is named: its key, or the value itself where there is none.
    pub(crate) fn named_at(&self) -> &Place {
        self.key.as_ref().unwrap_or(&self.at)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// A field of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.get(key)
    }

    /// The text of a field of a mapping.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// Whether it holds the same as another one, wherever either was written.
    pub(crate) fn same(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Date(a), Value::Date(b)) | (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Value::Map(a), Value::Map(b)) => {
                let in_b = |(key, a): (&String, &Node)| b.get(key).is_some_and(|b| a.same(b));
                a.len() == b.len() && a.iter().all(in_b)
            }
            _ => false,
        }
    }
}

/// What a node holds as a text that no other value has, for finding it among many.
pub(crate) fn fingerprint(node: &Node) -> String {
    match &node.value {
        Value::List(list) => list.iter().fold("[".to_owned(), |mut text, item| {
            text.push_str(&fingerprint(item));
            text.push(',');
            text
        }),
        Value::Map(map) => {
            let mut fields: Vec<(&String, &Node)> = map.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            let field = |(key, node): (&String, &Node)| format!("{key:?}:{}", fingerprint(node));
            format!(
                "{{{}}}",
                fields.into_iter().map(field).collect::<Vec<_>>().join(",")
            )
        }
        scalar => format!("{scalar:?}"),
    }
}

/// A number as Compose writes it into a text.
pub(crate) fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "NaN".into();
    }
    if float.is_infinite() {
        return if float > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let scientific = format!("{float:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{float}"),
    }
}

/// A scalar as Compose writes it into a text; `None` for what is no scalar.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => String::new(),
        Value::Bool(bool) => bool.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Float(float) => float_text(*float),
        Value::Date(text) | Value::Text(text) => text.clone(),
        Value::List(_) | Value::Map(_) => return None,
    })
}
