//! `run` and `shell`, which stand in services, builds, tasks and readiness checks.

use landfall_model::CommandSpec;

use crate::diagnostics::Diagnostic;
use crate::reader::{Node, Problem, Table};
use crate::values;

/// The command that a table holds under `run` or `shell`.
pub(super) fn read(key: &str, node: Node<'_>) -> Option<CommandSpec> {
    if key == "shell" {
        return node.parse("a string", values::shell);
    }
    let words = if node.is_string() {
        node.parse("a command", values::argv)?
    } else {
        CommandSpec::Argv(read_words(node)?)
    };
    if let CommandSpec::Argv(words) = &words
        && let Some(problem) = values::argv_warning(words, node.text_if_string())
    {
        let warning = Diagnostic::warning(problem.code, problem.message).at(
            node.context.source(),
            node.span.into(),
            problem.label,
        );
        node.context.report(Diagnostic {
            fix: problem.fix,
            ..warning
        });
    }
    Some(words)
}

fn read_words(node: Node<'_>) -> Option<Vec<String>> {
    let items = node.list("a string, or an array of strings");
    if !node.is_array() {
        return None;
    }
    let mut words = Vec::with_capacity(items.len());
    for item in &items {
        words.push(item.text("a string")?.to_owned());
    }
    if words.first().is_none_or(String::is_empty) {
        node.problem(
            Problem::new("empty-command", "a command cannot be empty")
                .label("no program")
                .fix("write the program and its arguments: [\"node\", \"server.js\"]"),
        );
        return None;
    }
    Some(words)
}

/// The command of a table that must have one.
pub(super) fn require(table: &Table<'_>) -> Option<CommandSpec> {
    match table.one_of(&["run", "shell"]) {
        Some((key, node)) => read(key, node),
        None => {
            table.require("run");
            None
        }
    }
}
