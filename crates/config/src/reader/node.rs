//! A value with its place, read as what it should be.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Context, Problem, Span, Table};
use crate::keys::Section;

/// A value with its place.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) context: &'a Context,
    value: &'a DeValue<'a>,
    /// Where the value is.
    pub(crate) span: Span,
}

impl<'a> Node<'a> {
    pub(crate) fn new(context: &'a Context, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            context,
            value: value.get_ref(),
            span: value.span().into(),
        }
    }

    /// Keeps a problem with this value.
    pub(crate) fn problem(self, problem: Problem) {
        let span = match (&problem.part, self.value) {
            (Some(part), DeValue::String(text)) => self.inner_span(text, part.clone()),
            _ => self.span,
        };
        self.context.problem(span, problem);
    }

    /// The place of a part of a string, where the string stands in the file as it is.
    pub(crate) fn inner_span(self, text: &str, part: Range<usize>) -> Span {
        let raw = &self.context.source().text()[Range::from(self.span)];
        match raw.find(text) {
            Some(quote) if part.end <= text.len() => Span {
                start: self.span.start + quote + part.start,
                end: self.span.start + quote + part.end,
            },
            _ => self.span,
        }
    }

    /// Keeps that this is not what was expected: `expected` is a noun with its article.
    pub(crate) fn unexpected(self, expected: &str) {
        self.problem(self.wrong_type(expected));
    }

    fn wrong_type(self, expected: &str) -> Problem {
        let found = self.described();
        Problem::new("wrong-type", format!("expected {expected}, found {found}"))
            .label(format!("this is {found}"))
    }

    /// A string that is a number and a unit; `unit` is what a bare number probably meant.
    pub(crate) fn quantity<T>(
        self,
        noun: &str,
        unit: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let expected = format!("a {noun} such as \"30{unit}\"");
        if let DeValue::Integer(number) = self.value {
            let fix = format!("write a unit: \"{number}{unit}\"");
            self.problem(self.wrong_type(&expected).fix(fix));
            return None;
        }
        self.parse(&expected, parse)
    }

    fn described(self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        }
    }

    pub(crate) fn is_string(self) -> bool {
        self.value.is_str()
    }

    pub(crate) fn is_array(self) -> bool {
        self.value.is_array()
    }

    pub(crate) fn is_table(self) -> bool {
        self.value.is_table()
    }

    /// The text of a string; `expected` says what it should hold, with its article.
    pub(crate) fn text(self, expected: &str) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) if text.contains('\0') => {
                self.problem(Problem::new("nul", "a NUL character cannot be passed on"));
                None
            }
            DeValue::String(text) => Some(text),
            _ => {
                self.unexpected(expected);
                None
            }
        }
    }

    /// The text of a string; `None` for anything else.
    pub(crate) fn text_if_string(self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// A string read by `parse`.
    pub(crate) fn parse<T>(
        self,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        parse(self.text(expected)?)
            .map_err(|problem| self.problem(problem))
            .ok()
    }

    /// A string or, as it is written, a number or boolean.
    pub(crate) fn scalar(self) -> Option<&'a str> {
        match self.value {
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {
                self.context.source().text().get(Range::from(self.span))
            }
            _ => self.text("a string"),
        }
    }

    pub(crate) fn boolean(self) -> Option<bool> {
        let value = self.value.as_bool();
        if value.is_none() {
            self.unexpected("`true` or `false`");
        }
        value
    }

    pub(crate) fn integer(self, range: RangeInclusive<u64>) -> Option<u64> {
        let Some(integer) = self.value.as_integer() else {
            self.unexpected("an integer");
            return None;
        };
        let value = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let value = value.filter(|value| range.contains(value));
        if value.is_none() {
            let (from, to) = (range.start(), range.end());
            self.problem(
                Problem::new("out-of-range", format!("expected {from} to {to}"))
                    .label("out of range"),
            );
        }
        value
    }

    pub(crate) fn number(self, range: RangeInclusive<f64>) -> Option<f64> {
        let text = match self.value {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            DeValue::Float(float) => float.as_str(),
            _ => {
                self.unexpected("a number");
                return None;
            }
        };
        let value = text.parse().ok().filter(|value| range.contains(value));
        if value.is_none() {
            let (from, to) = (range.start(), range.end());
            self.problem(
                Problem::new("out-of-range", format!("expected {from} to {to}"))
                    .label("out of range"),
            );
        }
        value
    }

    /// The elements of an array.
    pub(crate) fn list(self, expected: &str) -> Vec<Node<'a>> {
        match self.value {
            DeValue::Array(items) => self.nodes(items),
            _ => {
                self.unexpected(expected);
                Vec::new()
            }
        }
    }

    /// The elements of an array, or the one value that stands for an array of one.
    pub(crate) fn one_or_more(self) -> Vec<Node<'a>> {
        match self.value {
            DeValue::Array(items) => self.nodes(items),
            _ => vec![self],
        }
    }

    fn nodes(self, items: &'a [Spanned<DeValue<'a>>]) -> Vec<Node<'a>> {
        items
            .iter()
            .map(|item| Node::new(self.context, item))
            .collect()
    }

    /// The entries of a table whose keys are names of the user's, in the order of the file.
    pub(crate) fn entries(self, expected: &str) -> Vec<(&'a str, Span, Node<'a>)> {
        let Some(table) = self.as_table(expected) else {
            return Vec::new();
        };
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| {
                let name: &str = key.get_ref();
                (name, key.span().into(), Node::new(self.context, value))
            })
            .collect();
        entries.sort_by_key(|&(_, span, _): &(_, Span, _)| span);
        entries
    }

    /// A table with the keys of `section`; `place` is marked when something is missing from it.
    pub(crate) fn table(self, section: &'static Section, place: Span) -> Option<Table<'a>> {
        let table = self.as_table(&format!("a table ({})", section.title))?;
        Some(Table::new(self.context, table, section, place))
    }

    fn as_table(self, expected: &str) -> Option<&'a DeTable<'a>> {
        match self.value {
            DeValue::Table(table) => Some(table),
            _ => {
                self.unexpected(expected);
                None
            }
        }
    }
}
