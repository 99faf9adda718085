//! Commands.

use landfall_model::CommandSpec;

use crate::reader::Problem;

/// Words that only mean something to a shell.
const OPERATORS: &[&str] = &["&&", "||", "|", ";", ">", ">>", "<", "2>&1", "&"];

/// A command that is split into words, the way a shell splits words.
pub(crate) fn argv(text: &str) -> Result<CommandSpec, Problem> {
    match shell_words::split(text) {
        Ok(words) if words.first().is_none_or(String::is_empty) => Err(empty()),
        Ok(words) => Ok(CommandSpec::Argv(words)),
        Err(_) => Err(
            Problem::new("unclosed-quote", "a quote in this command is never closed")
                .label("unclosed quote")
                .fix("close the quote, or write the command as an array of words"),
        ),
    }
}

/// What a word-split command holds that was probably meant for a shell; `text` is the command
/// as it was written, when it was written as one string.
pub(crate) fn argv_warning(words: &[String], text: Option<&str>) -> Option<Problem> {
    let shell_syntax = |message: String, exec: &str| {
        let problem = Problem::new("shell-syntax", message).label("`run` does not involve a shell");
        problem.fix(match text {
            Some(text) => format!("if a shell is meant, write `shell = \"{exec}{text}\"`"),
            None => "if a shell is meant, write `shell = \"...\"`".to_owned(),
        })
    };
    let operator = words.iter().find(|word| OPERATORS.contains(&word.as_str()));
    if let Some(word) = operator {
        let message = format!("`{word}` is passed to the program as it is");
        return Some(shell_syntax(message, ""));
    }
    let word = words.iter().find(|word| holds_variable(word))?;
    let message = format!("`{word}` is passed as it is, not expanded");
    Some(shell_syntax(message, "exec "))
}

fn holds_variable(word: &str) -> bool {
    word.match_indices('$').any(|(at, _)| {
        let rest = word[at + 1..].trim_start_matches('{');
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    })
}

/// A command for a shell.
pub(crate) fn shell(text: &str) -> Result<CommandSpec, Problem> {
    if text.trim().is_empty() {
        return Err(empty());
    }
    Ok(CommandSpec::Shell(text.to_owned()))
}

fn empty() -> Problem {
    Problem::new("empty-command", "a command cannot be empty")
        .label("no program")
        .fix("write the program and its arguments: \"node server.js\"")
}
