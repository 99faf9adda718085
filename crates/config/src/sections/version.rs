//! `version`.

use landfall_model::env::{Part, Template};
use landfall_model::spec::{VersionSource, VersionSpec};

use crate::keys;
use crate::reader::{Node, Problem};
use crate::values;

pub(super) fn read(node: Node<'_>) -> Option<VersionSpec> {
    let commit = Template(vec![Part::Commit]);
    if node.is_string() {
        let path = node.parse("a path", values::request_path)?;
        return Some(VersionSpec {
            source: VersionSource::Path(path),
            expect: commit,
        });
    }
    if !node.is_table() {
        node.unexpected("a path, or a table");
        return None;
    }
    let table = node.table(&keys::VERSION, node.span)?;
    let expect = match table.get("expect") {
        Some(node) => node.parse("a string", expectation),
        None => Some(commit),
    };
    let source = match table.one_of(&["path", "header"]) {
        Some(("path", node)) => node
            .parse("a path", values::request_path)
            .map(VersionSource::Path),
        Some((_, node)) => node
            .parse("the name of a header", values::header_name)
            .map(VersionSource::Header),
        None => {
            table.require("path");
            None
        }
    };
    Some(VersionSpec {
        source: source?,
        expect: expect?,
    })
}

fn expectation(text: &str) -> Result<Template, Problem> {
    let (template, references) = values::template(text)?;
    match references.into_iter().next() {
        Some(reference) => Err(Problem::new(
            "unknown-reference",
            "a version cannot refer to a service",
        )
        .part(reference.part)
        .label("a service")
        .fix("known here are `${commit}` and `${release}`")),
        None => Ok(template),
    }
}
