//! What only a service with a process has: `dir`, `port`, `writable`; and how the instances of
//! whatever runs live: `overlap`, `ready`, `stop`, `restart`, `limits`.

use landfall_model::CommandSpec;
use landfall_model::spec::{LifeSpec, Limits, ProcessSpec, RestartSpec, StopSpec};

use super::Scope;
use super::app::{duration_or, positive_duration_or};
use super::ready::{self, default_ready};
use crate::keys;
use crate::reader::{Node, Problem, Span, Table};
use crate::values;

/// A process, with what is decided when all is read.
pub(super) struct ProcessDraft {
    pub(super) spec: ProcessSpec,
    pub(super) ready_given: bool,
    pub(super) port: Option<Span>,
}

pub(super) fn read(
    table: &Table<'_>,
    run: Option<CommandSpec>,
    scope: &Scope<'_>,
) -> Option<ProcessDraft> {
    let port = table.get("port");
    let fixed_port = port.and_then(|node| node.integer(1..=65535));
    let overlap = table.get("overlap").and_then(Node::boolean);
    if let (Some(port), Some(true)) = (table.key_span("port"), overlap) {
        report_overlap(table, port);
    }
    let dir = table.get("dir");
    let dir = dir.and_then(|node| node.parse("a path", values::relative));
    let life = read_life(table, scope, default_life(fixed_port.is_none()));
    let writable = read_writable(table);
    Some(ProcessDraft {
        spec: ProcessSpec {
            run: run?,
            dir: dir.unwrap_or_else(|| ".".to_owned()),
            fixed_port: fixed_port.map(|port| port as u16),
            life: life.spec,
            writable,
        },
        ready_given: life.ready_given,
        port: port.map(|node| node.span),
    })
}

/// How instances live.
pub(super) struct LifeDraft {
    pub(super) spec: LifeSpec,
    /// Whether the readiness question itself is said.
    pub(super) ready_given: bool,
}

/// The life of which nothing is said.
pub(crate) fn default_life(may_overlap: bool) -> LifeSpec {
    LifeSpec {
        overlap: may_overlap,
        ready: default_ready(false),
        stop: default_stop(),
        restart: RestartSpec::default(),
        limits: Limits::default(),
    }
}

/// What is said of that; `else_life` is what holds where nothing is.
pub(super) fn read_life(table: &Table<'_>, scope: &Scope<'_>, else_life: LifeSpec) -> LifeDraft {
    let overlap = table.get("overlap").and_then(Node::boolean);
    let ready = table.get("ready").and_then(|node| ready::read(node, scope));
    let ready_given = ready.as_ref().is_some_and(|ready| ready.has_probe);
    let stop = table.get("stop");
    let stop = stop.and_then(|node| read_stop(node, &else_life.stop));
    let restart = table.get("restart").and_then(read_restart);
    let limits = table.get("limits");
    let limits = limits.and_then(|node| read_limits(node, &else_life.limits));
    LifeDraft {
        spec: LifeSpec {
            overlap: overlap.unwrap_or(else_life.overlap),
            ready: ready.map_or(else_life.ready, |ready| ready.spec),
            stop: stop.unwrap_or(else_life.stop),
            restart: restart.unwrap_or(else_life.restart),
            limits: limits.unwrap_or(else_life.limits),
        },
        ready_given,
    }
}

fn report_overlap(table: &Table<'_>, port: Span) {
    let Some(overlap) = table.key_span("overlap") else {
        return;
    };
    let diagnostic = crate::Diagnostic::error(
        "conflicting-keys",
        "instances that insist on one port cannot overlap",
    )
    .at(table.context.source(), overlap.into(), "cannot be `true`")
    .near(table.context.source(), port.into(), "because of this port")
    .fix("remove `overlap`, or let the program listen on `PORT` and remove `port`");
    table.context.report(diagnostic);
}

fn default_stop() -> StopSpec {
    StopSpec {
        signal: "SIGTERM".to_owned(),
        grace: std::time::Duration::from_secs(10),
    }
}

fn read_stop(node: Node<'_>, default: &StopSpec) -> Option<StopSpec> {
    let table = node.table(&keys::STOP, node.span)?;
    let signal = table.get("signal");
    let signal = signal.and_then(|node| node.parse("the name of a signal", values::signal));
    Some(StopSpec {
        signal: signal.unwrap_or_else(|| default.signal.clone()),
        grace: duration_or(&table, "grace", default.grace),
    })
}

fn read_restart(node: Node<'_>) -> Option<RestartSpec> {
    let table = node.table(&keys::RESTART, node.span)?;
    let default = RestartSpec::default();
    let exits = table.get("crash_loop_exits");
    let exits = exits.and_then(|node| node.integer(1..=10_000));
    let window = default.crash_loop_window;
    let backoff = positive_duration_or(&table, "backoff", default.backoff);
    // A long first delay alone is no contradiction.
    let longest = default.max_backoff.max(backoff);
    let max_backoff = positive_duration_or(&table, "max_backoff", longest);
    if max_backoff < backoff
        && let Some(node) = table.get("max_backoff")
    {
        node.problem(
            Problem::new(
                "out-of-range",
                "the longest delay is shorter than the first",
            )
            .label("shorter than `backoff`")
            .fix("make `max_backoff` at least as long as `backoff`"),
        );
    }
    Some(RestartSpec {
        backoff,
        max_backoff,
        crash_loop_exits: exits.map_or(default.crash_loop_exits, |exits| exits as u32),
        crash_loop_window: positive_duration_or(&table, "crash_loop_window", window),
        stable_after: positive_duration_or(&table, "stable_after", default.stable_after),
    })
}

fn read_limits(node: Node<'_>, default: &Limits) -> Option<Limits> {
    let table = node.table(&keys::LIMITS, node.span)?;
    let memory = table.get("memory");
    let pids = table.get("pids");
    Some(Limits {
        memory: memory
            .and_then(|node| node.quantity("size", "M", values::size))
            .or(default.memory),
        cpus: table
            .get("cpus")
            .and_then(|node| node.number(0.01..=4096.0))
            .or(default.cpus),
        pids: pids
            .and_then(|node| node.integer(1..=4_194_304))
            .map(|pids| pids as u32)
            .or(default.pids),
        open_files: table
            .get("open_files")
            .and_then(|node| node.integer(16..=1_073_741_816))
            .or(default.open_files),
    })
}

fn read_writable(table: &Table<'_>) -> Vec<String> {
    let nodes = table.get("writable");
    let nodes = nodes.map(|node| node.list("an array of paths"));
    let mut read: Vec<(String, Node<'_>)> = Vec::new();
    for node in nodes.into_iter().flatten() {
        let Some(path) = node.parse("a path", writable_path) else {
            continue;
        };
        match read.iter().find(|(other, _)| nested(other, &path)) {
            Some((_, other)) => report_nested(*other, node),
            None => read.push((path, node)),
        }
    }
    read.into_iter().map(|(path, _)| path).collect()
}

fn writable_path(text: &str) -> Result<String, Problem> {
    match values::relative(text)?.as_str() {
        "." => Err(Problem::new(
            "writable-root",
            "the whole release cannot be kept across releases",
        )
        .label("this is all of it")
        .fix("name the directories below it that are written to")),
        path => Ok(path.to_owned()),
    }
}

fn nested(one: &str, other: &str) -> bool {
    let below = |path: &str, above: &str| {
        path.strip_prefix(above)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    below(one, other) || below(other, one)
}

fn report_nested(first: Node<'_>, second: Node<'_>) {
    let diagnostic =
        crate::Diagnostic::error("nested-writable", "one writable directory lies in another")
            .at(second.context.source(), second.span.into(), "and this one")
            .near(first.context.source(), first.span.into(), "this one")
            .fix("keep the outer one");
    second.context.report(diagnostic);
}
