//! The variables of a Dockerfile, as far as their values are certain.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::Instruction;
use super::words::{shell_words, unquoted};

/// Values by names; `None` where a value is not certain.
type Values = BTreeMap<String, Option<String>>;

/// The variables that a `FROM` can have.
#[derive(Debug)]
pub(super) struct Globals<'a> {
    values: Values,
    given: &'a BTreeMap<String, String>,
    /// Variables that are part of an image that stages start from.
    of_images: &'a BTreeSet<String>,
    /// Whether no `ARG` was left that is not understood.
    is_certain: bool,
}

/// The variables of a stage.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// Of `ENV`, those of stages that it starts from included.
    env: Values,
    /// Of `ARG`.
    args: Values,
    /// Of `ARG` in stages that it starts from. Versions differ in whether it has them.
    args_before: Values,
    /// Whether an instruction may have set others.
    is_lost: bool,
}

impl<'a> Globals<'a> {
    /// Those that BuildKit gives by itself. `platform` is that of the image.
    pub fn new(
        platform: Option<&str>,
        given: &'a BTreeMap<String, String>,
        of_images: &'a BTreeSet<String>,
    ) -> Self {
        Self {
            values: of_platform(platform),
            given,
            of_images,
            is_certain: true,
        }
    }

    /// Carries out an `ARG` before the first `FROM`.
    pub fn declare(&mut self, arg: &Instruction) {
        let Some(declared) = declarations(arg) else {
            self.is_certain = false;
            return;
        };
        for (name, default) in declared {
            let value = match (self.given.get(name), default) {
                (Some(value), _) => Some(value.clone()),
                (None, Some(default)) => self.expand(default),
                (None, None) => continue,
            };
            self.values.insert(name.to_owned(), value);
        }
    }

    /// `text` with its variables replaced; `None` where what comes out is not certain.
    pub fn expand(&self, text: &str) -> Option<String> {
        expand_word(text, &|name| match self.values.get(name) {
            Some(value) => value.clone().map(Some),
            None => self.is_certain.then_some(None),
        })
    }
}

impl Scope {
    /// That of a stage that starts from the one that this is of.
    pub fn child(&self) -> Self {
        let mut args_before = self.args_before.clone();
        args_before.extend(self.args.clone());
        Self {
            env: self.env.clone(),
            args: Values::new(),
            args_before,
            is_lost: self.is_lost,
        }
    }

    /// Carries out an `ARG`: what is given goes before its default, and `ENV` before both.
    pub fn declare(&mut self, arg: &Instruction, globals: &Globals<'_>) {
        let Some(declared) = declarations(arg) else {
            self.is_lost = true;
            return;
        };
        for (name, default) in declared {
            let known = globals.values.get(name).cloned().flatten();
            let value = match (globals.given.get(name), default) {
                _ if globals.of_images.contains(name) => None,
                // One that BuildKit gives, too.
                (Some(given), _) if known.as_ref().is_some_and(|known| known != given) => None,
                (Some(given), _) => Some(given.clone()),
                (None, Some(default)) => self.expand(default),
                (None, None) => known,
            };
            let before = self.args.get(name).or(self.args_before.get(name));
            let is_another = before.is_some_and(|before| *before != value);
            let value = value.filter(|_| !is_another);
            self.args.insert(name.to_owned(), value);
        }
    }

    /// Carries out an `ENV`: `NAME=VALUE …`, or `NAME` and all that follows it.
    pub fn set(&mut self, env: &Instruction) {
        let Some(words) = shell_words(&env.rest, env.escape) else {
            self.is_lost = true;
            return;
        };
        let before = self.clone();
        if let [name, value @ ..] = &words[..]
            && is_name(name)
        {
            let value = match value {
                [value] => before.expand(value),
                _ => None,
            };
            self.env.insert((*name).to_owned(), value);
            return;
        }
        for word in words {
            match word.split_once('=') {
                Some((name, value)) if is_name(name) => {
                    drop(self.env.insert(name.to_owned(), before.expand(value)));
                }
                _ => self.is_lost = true,
            }
        }
    }

    /// `text` with its variables replaced; `None` where what comes out is not certain. That is so
    /// for all that the stage does not name: its image may.
    pub fn expand(&self, text: &str) -> Option<String> {
        expand_word(text, &|name| {
            let value = self.env.get(name).or(self.args.get(name));
            let value = value.filter(|_| !self.is_lost && name != "PATH");
            value.cloned().flatten().map(Some)
        })
    }
}

/// The architectures that have one name only, and no variants that BuildKit leaves out.
const PLAIN: [&str; 6] = ["amd64", "arm64", "386", "riscv64", "ppc64le", "s390x"];

fn of_platform(target: Option<&str>) -> Values {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let build = format!("linux/{architecture}");
    let mut variables = Values::new();
    for (prefix, platform) in [
        ("BUILD", build.as_str()),
        ("TARGET", target.unwrap_or(&build)),
    ] {
        let parts: Vec<&str> = platform.split('/').collect();
        let (os, architecture, is_plain) = match parts[..] {
            [os, name] if PLAIN.contains(&name) => (Some(os), Some(name), true),
            [os, name, _] if PLAIN.contains(&name) => (Some(os), Some(name), false),
            _ => (None, None, false),
        };
        let mut set = |name: &str, value: Option<&str>| {
            variables.insert(format!("{prefix}{name}"), value.map(str::to_owned));
        };
        set("PLATFORM", is_plain.then_some(platform));
        set("OS", os);
        set("ARCH", architecture);
        set("VARIANT", is_plain.then_some(""));
    }
    variables
}

/// The names that an `ARG` declares, with their defaults.
fn declarations(arg: &Instruction) -> Option<Vec<(&str, Option<&str>)>> {
    let words = shell_words(&arg.rest, arg.escape)?;
    let declared = words.into_iter().map(|word| {
        let (name, default) = match word.split_once('=') {
            Some((name, default)) => (name, Some(default)),
            None => (word, None),
        };
        is_name(name).then_some((name, default))
    });
    declared.collect()
}

/// Whether `text` is a name as it stands, without a variable in it.
fn is_name(text: &str) -> bool {
    split_name(text).is_some_and(|(_, after)| after.is_empty())
}

/// Says of a name what it stands for, or that it does not; `None` where that is not certain.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<Option<String>>;

fn expand_word(word: &str, lookup: Lookup<'_>) -> Option<String> {
    match unquoted(word)? {
        (text, true) => expand(text, lookup),
        (text, false) => Some(text.to_owned()),
    }
}

fn expand(text: &str, lookup: Lookup<'_>) -> Option<String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (value, after) = match after.strip_prefix('{') {
            Some(braced) => {
                let end = closing(braced)?;
                (substitute(&braced[..end], lookup)?, &braced[end + 1..])
            }
            None => {
                let (name, after) = split_name(after)?;
                (lookup(name)?.unwrap_or_default(), after)
            }
        };
        expanded.push_str(&value);
        rest = after;
    }
    expanded.push_str(rest);
    Some(expanded)
}

/// What is within `${…}`.
fn substitute(inner: &str, lookup: Lookup<'_>) -> Option<String> {
    let (name, operation) = split_name(inner)?;
    let value = lookup(name)?;
    if operation.is_empty() {
        return Some(value.unwrap_or_default());
    }
    let (filled, operation) = match operation.strip_prefix(':') {
        Some(operation) => (value.filter(|value| !value.is_empty()), operation),
        None => (value, operation),
    };
    if let Some(word) = operation.strip_prefix('-') {
        return filled.or_else(|| expand(word, lookup));
    }
    let word = operation.strip_prefix('+')?;
    match filled {
        Some(_) => expand(word, lookup),
        None => Some(String::new()),
    }
}

/// A name and what follows it.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let (name, after) = text.split_at(text.find(|char| !is_part(char)).unwrap_or(text.len()));
    let is_named = name.starts_with(|char: char| !char.is_ascii_digit());
    is_named.then_some((name, after))
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
