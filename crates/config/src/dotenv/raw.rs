//! Env files that are taken as they are, as `docker run --env-file` takes them.

use std::sync::Arc;

use super::{Entry, EnvFile};
use crate::diagnostics::{Diagnostic, Diagnostics, Source};

pub(super) fn parse(
    source: &Arc<Source>,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<EnvFile, Diagnostics> {
    let mut file = EnvFile::default();
    let mut errors = Vec::new();
    let mut start = 0;
    for line in source.text().split_inclusive('\n') {
        match entry(line, start, lookup) {
            Ok(entry) => file.entries.extend(entry),
            Err((message, end)) => {
                let found = Diagnostic::error("env-file", message);
                errors.push(found.at(source, start..end, "").fix("write NAME=value"));
            }
        }
        start += line.len();
    }
    match errors.is_empty() {
        true => Ok(file),
        false => Err(Diagnostics(errors)),
    }
}

/// What a line says, or what is wrong with it and where its name ends.
fn entry(
    line: &str,
    start: usize,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Entry>, (&'static str, usize)> {
    let bare = line.strip_suffix('\n').unwrap_or(line);
    let bare = bare.strip_suffix('\r').unwrap_or(bare);
    let text = bare.trim_start_matches(['\u{feff}', ' ', '\t']);
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let start = start + bare.len() - text.len();
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, lookup(text)),
    };
    let span = start..start + name.len();
    if name.is_empty() {
        return Err(("the name of a variable is missing", start + 1));
    }
    if name.contains([' ', '\t']) {
        return Err(("the name of a variable cannot hold a space", span.end));
    }
    let name = name.to_owned();
    Ok(value.map(|value| Entry { name, value, span }))
}
