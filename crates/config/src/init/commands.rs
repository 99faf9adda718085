//! Commands of other tools, as Landfall would write them.

use super::write::{quoted, quoted_list};

/// A command that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// Words.
    Argv(Vec<String>),
    /// Text for a shell.
    Shell(String),
}

impl Command {
    /// From the words of a program.
    pub(super) fn argv<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Argv(words.into_iter().map(str::to_owned).collect())
    }

    /// From a line that another tool gives to a shell: words where no shell is needed.
    pub(super) fn from_shell(line: &str) -> Self {
        let line = line.trim();
        let syntax = |c: char| "$`&|;<>*?()~\n{}[]!#".contains(c);
        match shell_words::split(line) {
            Ok(words) if !line.contains(syntax) && is_program(words.first()) => Self::Argv(words),
            _ if is_simple(line) => Self::Shell(format!("exec {line}")),
            _ => Self::Shell(line.to_owned()),
        }
    }

    /// The same with another program, if `rename` has one for it. Several words become several.
    pub(super) fn with_program(self, rename: impl Fn(&str) -> Option<String>) -> Self {
        match self {
            Self::Argv(mut words) => {
                if let Some(program) = words.first().and_then(|word| rename(word)) {
                    words.splice(..1, program.split(' ').map(str::to_owned));
                }
                Self::Argv(words)
            }
            Self::Shell(text) => {
                let line = text.strip_prefix("exec ");
                let renamed = line.and_then(|line| {
                    let (program, rest) = line.split_once(' ')?;
                    Some(format!("exec {} {rest}", rename(program)?))
                });
                Self::Shell(renamed.unwrap_or(text))
            }
        }
    }

    /// `run = ...` or `shell = ...`.
    pub(super) fn to_toml(&self) -> String {
        match self {
            Self::Shell(text) => format!("shell = {}", quoted(text)),
            Self::Argv(words) => {
                let joined = shell_words::join(words);
                // Words that need no quotes are easier to read as one string.
                if words
                    .iter()
                    .all(|word| shell_words::quote(word) == word.as_str())
                {
                    format!("run = {}", quoted(&joined))
                } else {
                    format!("run = {}", quoted_list(words.iter().map(String::as_str)))
                }
            }
        }
    }
}

fn is_program(word: Option<&String>) -> bool {
    word.is_some_and(|word| !word.is_empty() && !word.contains('='))
}

/// Whether a line is one program, which can take the place of its shell.
fn is_simple(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    let word = !first.is_empty() && !first.contains(['=', '(', '{', '$']);
    let builtin = [
        "exec", "cd", "if", "for", "while", "export", "set", ".", "source",
    ];
    word && !builtin.contains(&first) && !line.contains(['&', '|', ';', '\n'])
}
