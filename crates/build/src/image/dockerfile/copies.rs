//! What instructions take from contexts, stages and images.

use super::lines::{Instruction, is_here_document};
use super::variables::Scope;
use super::words::{flags, words};
use crate::image::ignore::Ignore;
use crate::image::selection::Selection;

/// Where something is taken from, and what of it.
#[derive(Debug)]
pub(super) struct Take {
    /// A stage, a context or an image; `None` for the build's own context.
    pub from: Option<String>,
    /// What is taken, where it is a context.
    pub files: Vec<Selection>,
}

/// What a `COPY` or an `ADD` takes; `None` where it has a flag that is not understood.
pub(super) fn copied(instruction: &Instruction, scope: &Scope) -> Option<Take> {
    let (flags, rest) = flags(&instruction.rest)?;
    let mut from = None;
    let mut excluded = Vec::new();
    let mut is_with_parents = false;
    for flag in &flags {
        match parts(flag) {
            ("from", Some(name)) => from = named(name)?,
            ("exclude", Some(pattern)) => excluded.push(scope.expand(pattern)),
            ("parents", value) => is_with_parents = value != Some("false"),
            ("chown" | "chmod" | "link" | "checksum" | "keep-git-dir" | "unpack", _) => {}
            _ => return None,
        }
    }
    let selection = |source: &str| {
        let is_plain = !source.contains(['"', '\'']);
        let source = scope.expand(source).filter(|_| is_plain)?;
        if source.contains('\\') {
            return None;
        }
        if is_remote(&source) {
            return Some(None);
        }
        let select = match is_with_parents {
            true => Selection::copy_with_parents,
            false => Selection::copy,
        };
        Some(Some(select(&source, ignore(&excluded))))
    };
    let files = match sources(rest) {
        None => vec![Selection::whole()],
        Some(sources) => sources
            .iter()
            .filter(|source| !is_here_document(source) && !is_remote(source))
            .filter_map(|source| selection(source).unwrap_or(Some(Selection::whole())))
            .collect(),
    };
    Some(Take { from, files })
}

/// What the mounts of a `RUN` take; `None` where it has a flag that is not understood.
pub(super) fn mounted(instruction: &Instruction, scope: &Scope) -> Option<Vec<Take>> {
    let (flags, _) = flags(&instruction.rest)?;
    let mut takes = Vec::new();
    for flag in &flags {
        match parts(flag) {
            ("mount", Some(mount)) => takes.extend(mount_of(mount, scope)?),
            ("network" | "security" | "device", _) => {}
            _ => return None,
        }
    }
    Some(takes)
}

/// What a mount takes; `None` where it is not understood.
fn mount_of(mount: &str, scope: &Scope) -> Option<Option<Take>> {
    let (mut kind, mut from, mut source) = ("bind".to_owned(), None, None);
    for field in mount.split(',') {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (field, None),
        };
        match (key.to_ascii_lowercase().as_str(), value) {
            ("type", Some(value)) => kind = value.to_ascii_lowercase(),
            ("from", Some(name)) => from = named(name)?,
            ("source" | "src", Some(path)) => source = Some(path),
            ("target" | "dst" | "destination" | "id" | "sharing" | "size" | "mode", _) => {}
            ("uid" | "gid" | "env" | "required", _) => {}
            ("ro" | "readonly" | "rw" | "readwrite", _) => {}
            _ => return None,
        }
    }
    match kind.as_str() {
        "bind" => {}
        // It begins empty.
        "cache" if from.is_none() => return Some(None),
        "cache" => {}
        "tmpfs" | "secret" | "ssh" => return Some(None),
        _ => return None,
    }
    let selection = match source.map(|path| scope.expand(path)) {
        Some(Some(path)) => Selection::path(&path),
        Some(None) | None => Selection::whole(),
    };
    Some(Some(Take {
        from,
        files: vec![selection],
    }))
}

/// `--NAME` or `--NAME=VALUE`.
fn parts(flag: &str) -> (&str, Option<&str>) {
    let flag = flag.trim_start_matches("--");
    match flag.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (flag, None),
    }
}

/// The name in a `from`; `None` where it has a variable.
fn named(name: &str) -> Option<Option<String>> {
    let is_certain = !name.contains('$');
    is_certain.then(|| (!name.is_empty()).then(|| name.to_owned()))
}

/// What goes before the last word, which says where it is copied to; `None` where that is not
/// certain.
fn sources(rest: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = match may_be_json(rest) {
        true => serde_json::from_str(rest).ok()?,
        false => words(rest).map(str::to_owned).collect(),
    };
    words.pop();
    Some(words)
}

/// Whether it may be a list, rather than a pattern like `[ab]*`.
fn may_be_json(rest: &str) -> bool {
    let first = rest.strip_prefix('[').map(str::trim_start);
    first.is_some_and(|first| {
        let is_value = |char: char| "\"[]{-tfn".contains(char) || char.is_ascii_digit();
        first.is_empty() || first.starts_with(is_value)
    })
}

/// What is fetched, and no file.
fn is_remote(source: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| source.starts_with(scheme))
}

/// What is left out; nothing, where that is not certain.
fn ignore(patterns: &[Option<String>]) -> Ignore {
    let certain: Option<Vec<&str>> = patterns.iter().map(Option::as_deref).collect();
    let ignore = certain.and_then(|patterns| Ignore::parse(&patterns.join("\n")).ok());
    ignore.unwrap_or_default()
}
