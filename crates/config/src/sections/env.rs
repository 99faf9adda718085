//! `env` and `env_file`.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_model::env::Template;

use super::build::source_path;
use super::{Scope, Use};
use crate::diagnostics::{Diagnostic, Source};
use crate::reader::{Node, Problem, Table};
use crate::{dotenv, keys, values};

/// Variables, and the services that their values refer to.
#[derive(Debug, Clone, Default)]
pub(super) struct Env {
    pub(super) values: BTreeMap<String, Template>,
    pub(super) uses: Vec<Use>,
}

/// The variables of `below`, with those of the table's `env_file` and `env` over them.
pub(super) fn read_env(table: &Table<'_>, scope: &Scope<'_>, below: &Env) -> Env {
    let mut env = below.clone();
    for file in table
        .get("env_file")
        .into_iter()
        .flat_map(Node::one_or_more)
    {
        read_file(file, scope, &mut env);
    }
    if let Some(node) = table.get("env") {
        read_values(node, &mut env);
    }
    env
}

/// The variables of `env`, over those that are there.
pub(super) fn read_values(node: Node<'_>, env: &mut Env) {
    for (name, place, value) in node.entries("a table of variables") {
        if let Err(problem) = check_name(name).and_then(|()| check_reserved(name)) {
            node.context.problem(place, problem);
        }
        let Some(text) = value.scalar() else {
            continue;
        };
        match values::template(text) {
            Ok((template, references)) => {
                env.uses.extend(references.into_iter().map(|reference| Use {
                    service: reference.service,
                    span: value.inner_span(text, reference.part),
                }));
                env.values.insert(name.to_owned(), template);
            }
            Err(problem) => value.problem(problem),
        }
    }
}

/// Whether a variable can have this name.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    if name.is_empty() || name.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()) {
        return Err(Problem::new(
            "invalid-variable",
            format!("{name:?} cannot be the name of a variable"),
        )
        .label("invalid name"));
    }
    Ok(())
}

fn is_reserved(name: &str) -> bool {
    matches!(name, "PORT" | "HOST") || name.starts_with("LANDFALL_")
}

fn check_reserved(name: &str) -> Result<(), Problem> {
    if !is_reserved(name) {
        return Ok(());
    }
    let problem = Problem::new(
        "reserved-variable",
        format!("`{name}` is set by landfall itself"),
    )
    .label("reserved");
    Err(match name {
        "PORT" => problem.fix(
            "remove it: every instance is given a port of its own; a program that insists on \
             one says so with the service's `port = 3000`",
        ),
        "HOST" => problem.fix("remove it: instances are given the address to listen on"),
        _ => problem.fix("choose another name; those that start with `LANDFALL_` are reserved"),
    })
}

fn read_file(node: Node<'_>, scope: &Scope<'_>, env: &mut Env) {
    let (path_node, required) = if node.is_string() {
        (node, true)
    } else {
        if !node.is_table() {
            return node.unexpected("a path, or a table with `path`");
        }
        let Some(table) = node.table(&keys::ENV_FILE, node.span) else {
            return;
        };
        let required = table.get("required").and_then(Node::boolean);
        let Some(path) = table.require("path") else {
            return;
        };
        (path, required.unwrap_or(true))
    };
    let Some(relative) = source_path(path_node, scope) else {
        return;
    };
    if !scope.read_files {
        return;
    }
    let path = scope.root.join(&relative);
    match crate::load::read_text(&path) {
        Ok(text) => {
            scope.files_read.borrow_mut().push(path);
            parse_file(Arc::new(Source::confidential(relative, text)), scope, env);
        }
        Err(error) if error.is_missing() && !required => {}
        Err(error) if error.is_missing() => path_node.problem(
            Problem::new("missing-file", format!("{relative:?} does not exist"))
                .label("no such file")
                .fix(format!(
                    "create it, or write {{ path = {relative:?}, required = false }}"
                )),
        ),
        Err(error) => path_node.problem(
            Problem::new("unreadable-file", format!("{relative:?} {error}"))
                .label("cannot be used"),
        ),
    }
}

fn parse_file(source: Arc<Source>, scope: &Scope<'_>, env: &mut Env) {
    match dotenv::parse(&source, &|name| scope.variables.get(name).cloned()) {
        Ok(file) => {
            for entry in file.entries {
                if is_reserved(&entry.name) {
                    let name = &entry.name;
                    let message =
                        format!("`{name}` is ignored: landfall sets it for every instance");
                    scope.context.report(
                        Diagnostic::warning("reserved-variable", message)
                            .at(&source, entry.span, "")
                            .fix(format!("remove `{name}` from the file")),
                    );
                } else {
                    env.values
                        .insert(entry.name, Template::literal(entry.value));
                }
            }
        }
        Err(errors) => errors
            .0
            .into_iter()
            .for_each(|error| scope.context.report(error)),
    }
}
