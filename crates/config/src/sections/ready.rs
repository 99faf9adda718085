//! `ready`.

use std::time::Duration;

use landfall_model::spec::{Probe, ReadySpec, StatusRange};

use super::app::{duration_or, positive_duration_or};
use super::{Scope, command};
use crate::keys;
use crate::reader::{Node, Problem, Table};
use crate::values;

/// What counts as started for a process that nobody can ask.
const UP_FOR: Duration = Duration::from_secs(3);

/// The readiness of a process of which nothing is said.
pub(crate) fn default_ready(listens: bool) -> ReadySpec {
    let probe = if listens {
        Probe::Tcp
    } else {
        Probe::StaysUp { duration: UP_FOR }
    };
    with_defaults(probe)
}

fn with_defaults(probe: Probe) -> ReadySpec {
    ReadySpec {
        probe,
        within: Duration::from_secs(60),
        start_period: Duration::ZERO,
        interval: Duration::from_millis(250),
        timeout: Duration::from_secs(5),
        failures: None,
    }
}

/// What is said of the readiness of a process.
pub(super) struct ReadyDraft {
    pub(super) spec: ReadySpec,
    /// Whether the question itself is said, and not only how patiently it is asked.
    pub(super) has_probe: bool,
}

pub(super) fn read(node: Node<'_>, scope: &Scope<'_>) -> Option<ReadyDraft> {
    if node.is_string() {
        let path = node.parse("a path", values::request_path)?;
        let probe = http(path);
        return Some(ReadyDraft {
            spec: with_defaults(probe),
            has_probe: true,
        });
    }
    if !node.is_table() {
        node.unexpected("a path, or a table");
        return None;
    }
    let table = node.table(&keys::READY, node.span)?;
    let question = table.one_of(&["path", "tcp", "run", "shell", "up_for"]);
    let has_probe = question.is_some();
    let probe = match question {
        Some((key, node)) => probe(key, node, &table, scope)?,
        None => Probe::Tcp,
    };
    if !matches!(probe, Probe::Http { .. }) {
        refuse_http_keys(&table);
    }
    let default = with_defaults(probe);
    let spec = ReadySpec {
        within: positive_duration_or(&table, "within", default.within),
        start_period: duration_or(&table, "start_period", default.start_period),
        interval: positive_duration_or(&table, "interval", default.interval),
        timeout: positive_duration_or(&table, "timeout", default.timeout),
        failures: table
            .get("failures")
            .and_then(|node| node.integer(1..=10_000))
            .map(|failures| failures as u32),
        ..default
    };
    check_times(&table, &spec);
    Some(ReadyDraft { spec, has_probe })
}

fn http(path: String) -> Probe {
    Probe::Http {
        path,
        host: None,
        status: vec![values::DEFAULT_STATUS],
    }
}

fn probe(key: &str, node: Node<'_>, table: &Table<'_>, scope: &Scope<'_>) -> Option<Probe> {
    match key {
        "path" => {
            let path = node.parse("a path", values::request_path)?;
            let host = table.get("host").and_then(|host| {
                let host = host.parse("a host", values::host)?;
                Some(scope.hosts.called(host))
            });
            let status = table.get("status").map(statuses);
            let status = status.unwrap_or_else(|| vec![values::DEFAULT_STATUS]);
            Some(Probe::Http { path, host, status })
        }
        "tcp" => match node.boolean()? {
            true => Some(Probe::Tcp),
            false => {
                node.problem(
                    Problem::new("invalid-choice", "`tcp = false` asks nothing")
                        .label("only `true` has a meaning")
                        .fix("remove it, or say what is asked instead: `up_for = \"3s\"`"),
                );
                None
            }
        },
        "up_for" => {
            let duration = node.quantity("duration", "s", values::duration)?;
            Some(Probe::StaysUp { duration })
        }
        _ => command::read(key, node).map(Probe::Command),
    }
}

/// The statuses of a number, a string or an array of them.
pub(super) fn statuses(node: Node<'_>) -> Vec<StatusRange> {
    let nodes = node.one_or_more();
    if nodes.is_empty() {
        node.problem(
            Problem::new("invalid-status", "no status would be accepted").label("empty array"),
        );
    }
    let read = |node: Node<'_>| {
        if node.is_string() {
            return node.parse("a status", values::status);
        }
        let number = node.integer(100..=599)?;
        values::status_number(number).ok()
    };
    nodes.into_iter().filter_map(read).collect()
}

fn refuse_http_keys(table: &Table<'_>) {
    for key in ["host", "status"] {
        if let Some(place) = table.key_span(key) {
            table.context.problem(
                place,
                Problem::new(
                    "conflicting-keys",
                    format!("`{key}` says nothing without `path`"),
                )
                .label("only for readiness by HTTP")
                .fix("add `path = \"/health\"`, or remove it"),
            );
        }
    }
}

fn check_times(table: &Table<'_>, spec: &ReadySpec) {
    if let Probe::StaysUp { duration } = spec.probe
        && duration >= spec.within
        && let Some(place) = table.key_span("up_for")
    {
        table.context.problem(
            place,
            Problem::new("never-ready", "the wait would end before it can be ready")
                .label("not shorter than `within`")
                .fix("make `within` longer than `up_for`"),
        );
    }
    if spec.start_period >= spec.within
        && let Some(place) = table.key_span("start_period")
    {
        let warning = crate::Diagnostic::warning(
            "start-period",
            "the start period ends after the wait: `failures` never counts",
        )
        .at(
            table.context.source(),
            place.into(),
            "not shorter than `within`",
        )
        .fix("make `within` longer than `start_period`");
        table.context.report(warning);
    }
}
