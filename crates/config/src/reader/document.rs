//! From text to a TOML document with places, and one document laid over another.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostics::{Diagnostic, Source};

/// More syntax errors than this are consequences of the first ones.
const MAX_SYNTAX_ERRORS: usize = 3;

/// The document, or every place where it is not TOML.
pub(crate) fn parse(source: &Arc<Source>) -> Result<DeTable<'_>, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(source.text());
    if errors.is_empty() {
        return Ok(table.into_inner());
    }
    let mut found: Vec<Diagnostic> = errors
        .iter()
        .map(|error| syntax_error(source, error))
        .collect();
    found.sort_by_key(Diagnostic::position);
    found.truncate(MAX_SYNTAX_ERRORS);
    Err(found)
}

fn syntax_error(source: &Arc<Source>, error: &toml::de::Error) -> Diagnostic {
    let text = source.text();
    let span = error.span().unwrap_or(text.len()..text.len());
    let message = error.message().replace('\n', ", ");
    if message.contains("duplicate key") {
        return Diagnostic::error("duplicate-key", "this key is set twice")
            .at(source, span, "set a second time")
            .fix("keep one of them; TOML has no overriding within a file");
    }
    Diagnostic::error("syntax", "this is not valid TOML").at(source, span, message)
}

/// Keys of which only one can be set, so that an environment that sets one unsets the others.
const ALTERNATIVES: &[&[&str]] = &[
    &["run", "shell", "static"],
    &["path", "tcp", "run", "shell", "up_for"],
    &["path", "header"],
];

/// What the keys of a table are.
#[derive(Clone, Copy)]
enum Keys {
    /// Keys of ours.
    Known,
    /// Names of services or tasks; the tables below have keys of ours.
    Names,
    /// The user's own, all the way down.
    Free,
}

impl Keys {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Known, "service" | "task") => Self::Names,
            (Self::Known, "env" | "headers" | "host") | (Self::Free, _) => Self::Free,
            (Self::Known | Self::Names, _) => Self::Known,
        }
    }
}

/// Lays `over` over `base`: tables key by key, everything else as a whole.
pub(crate) fn overlay<'i>(base: &mut DeTable<'i>, over: &DeTable<'i>) {
    overlay_table(base, over, Keys::Known);
}

fn overlay_table<'i>(base: &mut DeTable<'i>, over: &DeTable<'i>, keys: Keys) {
    for (key, value) in over.iter() {
        let name: &str = key.get_ref();
        if matches!(keys, Keys::Known) {
            unset_alternatives(base, name, over);
        }
        match (base.get_mut(name).map(Spanned::get_mut), value.get_ref()) {
            (Some(DeValue::Table(below)), DeValue::Table(above)) => {
                overlay_table(below, above, keys.below(name));
            }
            _ => {
                base.remove(name);
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

fn unset_alternatives<'i>(base: &mut DeTable<'i>, name: &str, over: &DeTable<'i>) {
    for group in ALTERNATIVES.iter().filter(|group| group.contains(&name)) {
        for other in group.iter().filter(|other| !over.contains_key(**other)) {
            base.remove(*other);
        }
    }
}
