//! Which files of a context an instruction sees.
//!
//! Where it is not certain it sees more rather than less: a file too many makes an image once more,
//! one too few leaves an old one running.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::Path;

use regex::Regex;

use super::context::{ContextDir, Entry};
use super::error::ImageBuildError;
use super::ignore::{Ignore, clean, matcher};
use crate::error::Context as _;

/// Links on the way to one file, after which it is given up.
const MAX_LINKS: usize = 64;
/// What makes a name a pattern.
const WILDCARDS: [char; 3] = ['*', '?', '['];

/// What one source of an instruction means.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    /// Where it begins, links in it followed; the context itself where it is empty.
    root: String,
    /// What it takes from there; `None` for all.
    pattern: Option<Regex>,
    /// What is left out.
    excludes: Ignore,
    /// Whether directories above what it takes come along, with what is left out told from `root`.
    is_with_parents: bool,
}

impl Selection {
    /// The whole context.
    pub fn whole() -> Self {
        Self::default()
    }

    /// A file or a directory, as mounts name it.
    pub fn path(path: &str) -> Self {
        Self {
            root: rooted(path),
            ..Self::default()
        }
    }

    /// A source of `COPY` or `ADD`, which may have wildcards; of a directory, `excludes` is left out.
    pub fn copy(source: &str, excludes: Ignore) -> Self {
        let path = rooted(source);
        let mut parts: Vec<&str> = path.split('/').collect();
        let plain = parts.iter().take_while(|part| !part.contains(WILDCARDS));
        let wild = parts.split_off(plain.count());
        let pattern = match wild[..] {
            [] => None,
            // `**` is no more than `*` here.
            _ => match matcher(&single_stars(&wild.join("/"))) {
                Ok(pattern) => Some(pattern),
                Err(_) => return Self::whole(),
            },
        };
        Self {
            root: parts.join("/"),
            pattern,
            excludes,
            is_with_parents: false,
        }
    }

    /// A source of `COPY --parents`: directories above what matches come along, from `/./` on.
    pub fn copy_with_parents(source: &str, excludes: Ignore) -> Self {
        let (root, pattern) = source.split_once("/./").unwrap_or(("", source));
        let pattern = rooted(pattern);
        if root.contains(WILDCARDS) || pattern.starts_with('!') || pattern.is_empty() {
            return Self::whole();
        }
        match matcher(&pattern) {
            Ok(pattern) => Self {
                root: rooted(root),
                pattern: Some(pattern),
                excludes,
                is_with_parents: true,
            },
            Err(_) => Self::whole(),
        }
    }

    fn is_whole(&self) -> bool {
        self.root.is_empty() && self.pattern.is_none() && self.excludes.is_empty()
    }
}

/// Without `.` and `..`, from the root of the context, above which nothing is.
fn rooted(path: &str) -> String {
    clean(&format!("/{path}"))
}

fn single_stars(pattern: &str) -> String {
    let mut single = pattern.to_owned();
    while single.contains("**") {
        single = single.replace("**", "*");
    }
    single
}

/// The paths of those of `entries` that any of `selections` takes.
///
/// # Errors
/// When a link cannot be read.
pub(super) fn select<'a>(
    context: &ContextDir,
    entries: &'a [Entry],
    selections: &[Selection],
) -> Result<BTreeSet<&'a str>, ImageBuildError> {
    let by_path = entries.iter().map(|entry| (entry.path.as_str(), entry));
    let mut taking = Taking {
        root: &context.root,
        entries: by_path.collect(),
        taken: BTreeSet::new(),
    };
    if selections.iter().any(Selection::is_whole) {
        return Ok(taking.entries.into_keys().collect());
    }
    for selection in selections {
        taking.take(selection)?;
    }
    Ok(taking.taken)
}

struct Taking<'a, 'r> {
    root: &'r Path,
    entries: BTreeMap<&'a str, &'a Entry>,
    taken: BTreeSet<&'a str>,
}

impl<'a> Taking<'a, '_> {
    fn take(&mut self, selection: &Selection) -> Result<(), ImageBuildError> {
        let root = self.follow(&selection.root)?;
        let Some(pattern) = &selection.pattern else {
            self.take_all(&root, &root, &selection.excludes);
            return Ok(());
        };
        for path in self.below(&root) {
            if !pattern.is_match(relative(path, &root)) {
                continue;
            }
            if selection.is_with_parents {
                self.take_parents(path, &root);
                self.take_all(path, &root, &selection.excludes);
            }
            let target = self.follow(path)?;
            if !selection.is_with_parents || target != path {
                self.take_all(&target, &target, &selection.excludes);
            }
        }
        Ok(())
    }

    /// `path` and all in it, apart from what is left out as it is named from `base`.
    fn take_all(&mut self, path: &str, base: &str, excludes: &Ignore) {
        let entry = self.entries.get_key_value(path).map(|(path, _)| *path);
        self.taken.extend(entry);
        for path in self.below(path) {
            // A directory may be there for what exceptions take back in it.
            let may_stay = self.entries[path].metadata.is_dir() && excludes.has_exceptions();
            if may_stay || !excludes.excludes_alone(relative(path, base)) {
                self.taken.insert(path);
            }
        }
    }

    fn take_parents(&mut self, path: &str, root: &str) {
        for (end, _) in path.match_indices('/').filter(|(end, _)| *end > root.len()) {
            let parent = self.entries.get_key_value(&path[..end]);
            self.taken.extend(parent.map(|(path, _)| *path));
        }
    }

    /// What is in a directory, and in those in it.
    fn below(&self, directory: &str) -> Vec<&'a str> {
        let prefix = match directory {
            "" => String::new(),
            directory => format!("{directory}/"),
        };
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let from = self.entries.range::<str, _>(from).map(|(path, _)| *path);
        from.take_while(|path| path.starts_with(&prefix)).collect()
    }

    /// Where `path` leads when the links in it are followed, which are taken. As for BuildKit the
    /// context is all that there is: nothing leads out of it.
    fn follow(&mut self, path: &str) -> Result<String, ImageBuildError> {
        let parts =
            |path: &str| -> Vec<String> { path.split('/').rev().map(str::to_owned).collect() };
        let mut ahead = parts(path);
        let mut behind: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => drop(behind.pop()),
                _ => behind.push(part),
            }
            let here = behind.join("/");
            let found = self.entries.get_key_value(here.as_str());
            let link = found.filter(|(_, entry)| entry.metadata.is_symlink());
            let Some((&link, _)) = link.filter(|_| links < MAX_LINKS) else {
                continue;
            };
            links += 1;
            self.taken.insert(link);
            let target = read_link(&self.root.join(link))?;
            if target.starts_with('/') {
                behind.clear();
            } else {
                behind.pop();
            }
            ahead.extend(parts(&target));
        }
        Ok(behind.join("/"))
    }
}

/// `path` as it is named from a directory that it is in.
fn relative<'p>(path: &'p str, directory: &str) -> &'p str {
    let below = path.strip_prefix(directory).unwrap_or(path);
    below.trim_start_matches('/')
}

fn read_link(path: &Path) -> Result<String, ImageBuildError> {
    let target: io::Result<_> = fs::read_link(path);
    let target = target.context("read the link", path)?;
    Ok(target.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
