//! The variables that a `FROM` can have.

use std::collections::BTreeMap;

use super::lines::Instruction;

/// Those that BuildKit gives by itself.
pub(super) fn of_platform(target: Option<&str>) -> BTreeMap<String, String> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let build = format!("linux/{architecture}");
    let mut variables = BTreeMap::new();
    for (prefix, platform) in [
        ("BUILD", build.as_str()),
        ("TARGET", target.unwrap_or(&build)),
    ] {
        let mut parts = platform.splitn(3, '/');
        let mut set = |name: &str, value: &str| {
            variables.insert(format!("{prefix}{name}"), value.to_owned());
        };
        set("PLATFORM", platform);
        set("OS", parts.next().unwrap_or_default());
        set("ARCH", parts.next().unwrap_or_default());
        set("VARIANT", parts.next().unwrap_or_default());
    }
    variables
}

/// Carries out an `ARG`: what is given goes before its default.
pub(super) fn declare(
    variables: &mut BTreeMap<String, String>,
    instruction: &Instruction,
    given: &BTreeMap<String, String>,
) {
    for word in instruction.words() {
        let (name, default) = match word.split_once('=') {
            Some((name, default)) => (name, Some(default.trim_matches(['"', '\'']))),
            None => (word, None),
        };
        let default = default.map(|default| expand(default, variables));
        match (given.get(name), default) {
            (Some(value), _) => drop(variables.insert(name.to_owned(), value.clone())),
            (None, Some(Some(value))) => drop(variables.insert(name.to_owned(), value)),
            // Unknown, rather than what it was before.
            (None, Some(None)) => drop(variables.remove(name)),
            (None, None) => {}
        }
    }
}

/// `text` with its variables replaced; `None` where that takes more than is understood here.
pub(super) fn expand(text: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    let text = text.trim_matches(['"', '\'']);
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (value, after) = match after.strip_prefix('{') {
            Some(braced) => {
                let end = closing(braced)?;
                (substitute(&braced[..end], variables)?, &braced[end + 1..])
            }
            None => {
                let (name, after) = split_name(after);
                (variables.get(name).cloned().unwrap_or_default(), after)
            }
        };
        expanded.push_str(&value);
        rest = after;
    }
    expanded.push_str(rest);
    Some(expanded)
}

/// What is within `${…}`.
fn substitute(inner: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    let (name, operation) = split_name(inner);
    let value = variables.get(name);
    let (filled, operation) = match operation.strip_prefix(':') {
        Some(operation) => (value.filter(|value| !value.is_empty()), operation),
        None => (value, operation),
    };
    if operation.is_empty() {
        return Some(value.cloned().unwrap_or_default());
    }
    if let Some(word) = operation.strip_prefix('-') {
        return filled.cloned().or_else(|| expand(word, variables));
    }
    let word = operation.strip_prefix('+')?;
    match filled {
        Some(_) => expand(word, variables),
        None => Some(String::new()),
    }
}

fn split_name(text: &str) -> (&str, &str) {
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    text.split_at(text.find(|char| !is_name(char)).unwrap_or(text.len()))
}

/// Where the brace closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    text.char_indices().find_map(|(at, char)| {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}
