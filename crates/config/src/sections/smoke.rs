//! `[[smoke]]`.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_model::spec::{BodyExpect, SmokeSpec};

use super::Scope;
use super::app::positive_duration_or;
use super::ready::statuses;
use crate::keys;
use crate::reader::{Node, Table};
use crate::values;

const TIMEOUT: Duration = Duration::from_secs(10);

const METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete", "options"];

pub(super) fn read(node: Node<'_>, scope: &Scope<'_>) -> Option<SmokeSpec> {
    let table = node.table(&keys::SMOKE, node.span)?;
    let question = table.one_of(METHODS).or_else(|| {
        table.require("get");
        None
    });
    let host = match table.get("host") {
        None => Some(None),
        Some(node) => node
            .parse("a host", values::host)
            .map(|host| Some(scope.hosts.called(host))),
    };
    let headers = headers(&table, false);
    let timeout = positive_duration_or(&table, "timeout", TIMEOUT);
    let mut smoke = SmokeSpec {
        method: String::new(),
        path: String::new(),
        host: None,
        headers,
        status: vec![values::DEFAULT_STATUS],
        location: None,
        expect_headers: BTreeMap::new(),
        media_type: None,
        body: None,
        timeout,
    };
    if let Some(node) = table.get("expect") {
        read_expect(node, &mut smoke);
    }
    let (method, node) = question?;
    smoke.method = method.to_ascii_uppercase();
    smoke.path = node.parse("a path", values::request_path)?;
    smoke.host = host?;
    Some(smoke)
}

fn read_expect(node: Node<'_>, smoke: &mut SmokeSpec) {
    if !node.is_table() {
        smoke.status = statuses(node);
        return;
    }
    let Some(table) = node.table(&keys::EXPECT, node.span) else {
        return;
    };
    if let Some(node) = table.get("status") {
        smoke.status = statuses(node);
    }
    if let Some(node) = table.get("location") {
        smoke.location = node.parse("a string", values::header_value);
    }
    smoke.expect_headers = headers(&table, true);
    if let Some(node) = table.get("type") {
        smoke.media_type = node.parse("a media type", values::media_type);
    }
    smoke.body = table.get("body").and_then(read_body);
}

fn headers(table: &Table<'_>, lower_case: bool) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    let Some(node) = table.get("headers") else {
        return headers;
    };
    for (name, place, value) in node.entries("a table of headers") {
        let name = values::header_name(name).map_err(|problem| {
            node.context.problem(place, problem);
        });
        let value = value.parse("a string", values::header_value);
        if let (Ok(name), Some(value)) = (name, value) {
            let name = if lower_case {
                name.to_ascii_lowercase()
            } else {
                name
            };
            headers.insert(name, value);
        }
    }
    headers
}

fn read_body(node: Node<'_>) -> Option<BodyExpect> {
    if node.is_string() {
        return Some(BodyExpect::Contains(node.text("a string")?.to_owned()));
    }
    if !node.is_table() {
        node.unexpected("a string, or a table");
        return None;
    }
    let table = node.table(&keys::BODY, node.span)?;
    match table.one_of(&["contains", "matches"]) {
        Some(("contains", node)) => Some(BodyExpect::Contains(node.text("a string")?.to_owned())),
        Some((_, node)) => node
            .parse("a regular expression", values::regex)
            .map(BodyExpect::Matches),
        None => {
            table.require("contains");
            None
        }
    }
}
