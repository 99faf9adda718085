//! `build`.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_model::spec::{BuildSpec, OutputSpec};

use super::app::positive_duration_or;
use super::{Scope, Use, command, env};
use crate::keys;
use crate::reader::{Node, Table};
use crate::values;

/// Long enough for a cold build of a large app on a small server.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// What `build` says.
pub(super) enum BuildDraft {
    /// Its own.
    Own(BuildSpec),
    /// That of another service.
    Of(Use),
}

/// The build of a service; `output` is what the files of the release are without one.
pub(super) fn read(node: Option<Node<'_>>, scope: &Scope<'_>, output: &str) -> Option<BuildDraft> {
    let Some(node) = node else {
        return Some(BuildDraft::Own(as_it_is(output)));
    };
    if node.is_string() {
        return Use::read(node).map(BuildDraft::Of);
    }
    let place = node.span;
    if !node.is_table() {
        node.unexpected("the name of a service, or a table");
        return None;
    }
    let table = node.table(&keys::BUILD, place)?;
    let run = table.one_of(&["run", "shell"]);
    let mut build = as_it_is(output);
    build.run = run.and_then(|(key, node)| command::read(key, node));
    build.inputs = globs(&table, "inputs");
    build.timeout = positive_duration_or(&table, "timeout", TIMEOUT);
    if let Some(output) = table.get("output") {
        build.output = outputs(output, scope);
    }
    build.exclude = globs(&table, "exclude");
    build.env = table.get("env").map(variables).unwrap_or_default();
    Some(BuildDraft::Own(build))
}

/// A build without a command: `output` keeps its path.
fn as_it_is(output: &str) -> BuildSpec {
    BuildSpec {
        run: None,
        inputs: Vec::new(),
        output: vec![OutputSpec {
            from: output.to_owned(),
            to: output.to_owned(),
        }],
        exclude: Vec::new(),
        env: BTreeMap::new(),
        timeout: TIMEOUT,
    }
}

/// The globs under `key`.
pub(super) fn globs(table: &Table<'_>, key: &'static str) -> Vec<String> {
    let nodes = table.get(key).map(|node| node.list("an array of globs"));
    nodes
        .into_iter()
        .flatten()
        .filter_map(|node| node.parse("a glob", values::glob))
        .collect()
}

fn outputs(node: Node<'_>, scope: &Scope<'_>) -> Vec<OutputSpec> {
    if node.is_string() {
        let from = source_path(node, scope);
        let at_root = |from| OutputSpec {
            from,
            to: ".".to_owned(),
        };
        return from.map(at_root).into_iter().collect();
    }
    let items = node.one_or_more();
    if items.is_empty() {
        node.problem(
            crate::reader::Problem::new("empty-output", "a build without output is useless")
                .label("nothing is named"),
        );
    }
    items
        .into_iter()
        .filter_map(|item| output(item, scope))
        .collect()
}

fn output(node: Node<'_>, scope: &Scope<'_>) -> Option<OutputSpec> {
    if node.is_string() {
        let from = source_path(node, scope)?;
        return Some(OutputSpec {
            to: from.clone(),
            from,
        });
    }
    if !node.is_table() {
        node.unexpected("a path, or a table with `from`");
        return None;
    }
    let table = node.table(&keys::OUTPUT, node.span)?;
    let from = table
        .require("from")
        .and_then(|node| source_path(node, scope));
    let to = table
        .get("to")
        .map(|node| node.parse("a path", values::relative));
    let from = from?;
    Some(OutputSpec {
        to: to.unwrap_or_else(|| Some(from.clone()))?,
        from,
    })
}

/// A path in the project that no symbolic link leads out of it.
pub(super) fn source_path(node: Node<'_>, scope: &Scope<'_>) -> Option<String> {
    let path = node.parse("a path", values::relative)?;
    match values::inside(scope.root, &path) {
        Ok(_) => Some(path),
        Err(problem) => {
            node.problem(problem);
            None
        }
    }
}

fn variables(node: Node<'_>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (name, place, value) in node.entries("a table of variables") {
        if let Err(problem) = env::check_name(name) {
            node.context.problem(place, problem);
        }
        if let Some(value) = value.scalar() {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    variables
}
