//! `[service.NAME]`.

use landfall_model::spec::{Build, ServiceKind, ServiceSpec, StaticSpec, VersionSpec};
use landfall_model::{AppName, ServiceName};

use super::build::{self, BuildDraft};
use super::env::{Env, read_env};
use super::{Scope, Use, command, container, process, version};
use crate::diagnostics::Diagnostic;
use crate::keys;
use crate::reader::{Node, Problem, Span, Table};
use crate::values;

/// A service, with the places that other sections are compared with.
pub(crate) struct ServiceDraft {
    pub(crate) spec: ServiceSpec,
    pub(crate) needs: Vec<Use>,
    /// The service whose build it shares.
    pub(crate) build_of: Option<Use>,
    /// Services that its variables refer to.
    pub(crate) addresses: Vec<Use>,
    /// Its fixed port.
    pub(crate) port: Option<Span>,
    pub(crate) replicas: Option<Span>,
    pub(crate) ready_given: bool,
}

/// Keys that a static service has no use for.
const ONLY_PROCESS: &[&str] = &[
    "dir", "port", "overlap", "replicas", "needs", "env_file", "env", "ready", "stop", "restart",
    "limits", "writable",
];

/// `near` is the name of a service of Compose files that may be meant.
pub(super) fn read(
    (app, name): (&AppName, &ServiceName),
    node: Node<'_>,
    place: Span,
    scope: &Scope<'_>,
    (app_env, near): (&Env, Option<&str>),
) -> Option<ServiceDraft> {
    let table = node.table(&keys::SERVICE, place)?;
    if near.is_none() {
        refuse_publish(name, &table);
    }
    if let Some(image) = table.get("image") {
        refuse_with_image(name, &table);
        let env = read_env(&table, scope, app_env);
        let run = table.one_of(&["run", "shell"]);
        let run = run.and_then(|(key, node)| command::read(key, node));
        let container = container::read((app, name), &table, image, run, scope);
        return read_container(name, &table, container, env);
    }
    refuse_without_image(name, &table);
    match table.one_of(&["run", "shell", "static"]) {
        Some(("static", files)) => read_static(name, &table, files, scope),
        Some((key, run)) => {
            let env = read_env(&table, scope, app_env);
            let run = command::read(key, run);
            read_process(name, &table, process::read(&table, run, scope), env, scope)
        }
        None => {
            let problem = Problem::new(
                "nothing-to-run",
                format!("service `{name}` says neither what runs nor what is served"),
            )
            .label("needs `run`, `shell` or `static`");
            let problem = match near {
                Some(near) => problem.fix(format!("did you mean `{near}` of the Compose files?")),
                None => {
                    problem.fix("add `run = \"node server.js\"`, or `static = { dir = \"dist\" }`")
                }
            };
            scope.context.problem(place, problem);
            // Its other mistakes are told as well.
            let env = read_env(&table, scope, app_env);
            read_process(name, &table, process::read(&table, None, scope), env, scope)
        }
    }
}

fn read_process(
    name: &ServiceName,
    table: &Table<'_>,
    process: Option<process::ProcessDraft>,
    env: Env,
    scope: &Scope<'_>,
) -> Option<ServiceDraft> {
    let running = read_running(table);
    let build = build::read(table.get("build"), scope, ".");
    let process = process?;
    let (build, build_of) = split(build?);
    Some(ServiceDraft {
        spec: ServiceSpec {
            kind: ServiceKind::Process(process.spec),
            build,
            artifact: artifact(name, build_of.as_ref()),
            replicas: running.count,
            needs: running.names(),
            env: env.values,
            version: running.version,
        },
        needs: running.needs,
        build_of,
        addresses: env.uses,
        port: process.port,
        replicas: running.replicas,
        ready_given: process.ready_given,
    })
}

fn read_container(
    name: &ServiceName,
    table: &Table<'_>,
    container: Option<container::ContainerDraft>,
    env: Env,
) -> Option<ServiceDraft> {
    let running = read_running(table);
    let container = container?;
    Some(ServiceDraft {
        spec: ServiceSpec {
            kind: ServiceKind::Container(container.spec),
            build: None,
            artifact: name.clone(),
            replicas: running.count,
            needs: running.names(),
            env: env.values,
            version: running.version,
        },
        needs: running.needs,
        build_of: None,
        addresses: env.uses,
        port: container.port,
        replicas: running.replicas,
        ready_given: container.ready_given,
    })
}

/// What is said of the instances of whatever runs.
pub(super) struct Running {
    pub(super) needs: Vec<Use>,
    pub(super) replicas: Option<Span>,
    pub(super) count: u32,
    pub(super) version: Option<VersionSpec>,
}

impl Running {
    pub(super) fn names(&self) -> Vec<ServiceName> {
        self.needs.iter().map(|need| need.service.clone()).collect()
    }
}

pub(super) fn read_running(table: &Table<'_>) -> Running {
    let needs = table.get("needs");
    let needs = needs.map(|node| node.list("an array of names of services"));
    let replicas = table.get("replicas");
    let count = replicas.and_then(|node| node.integer(0..=1000));
    Running {
        needs: needs.into_iter().flatten().filter_map(Use::read).collect(),
        replicas: replicas.map(|node| node.span),
        count: count.map_or(1, |count| count as u32),
        version: table.get("version").and_then(version::read),
    }
}

fn read_static(
    name: &ServiceName,
    table: &Table<'_>,
    node: Node<'_>,
    scope: &Scope<'_>,
) -> Option<ServiceDraft> {
    refuse_process_keys(name, table);
    let files = read_files(node);
    let version = table.get("version").and_then(version::read);
    let dir = files.as_ref().map_or(".", |files| files.dir.as_str());
    let build = build::read(table.get("build"), scope, dir);
    let files = files?;
    let (build, build_of) = split(build?);
    if let Some(build) = build.as_ref().and_then(Build::tree) {
        refuse_dir_twice(table, &files.dir, build);
    }
    Some(ServiceDraft {
        spec: ServiceSpec {
            kind: ServiceKind::Static(files),
            build,
            artifact: artifact(name, build_of.as_ref()),
            replicas: 1,
            needs: Vec::new(),
            env: std::collections::BTreeMap::new(),
            version,
        },
        needs: Vec::new(),
        build_of,
        addresses: Vec::new(),
        port: None,
        replicas: None,
        ready_given: false,
    })
}

fn split(build: BuildDraft) -> (Option<Build>, Option<Use>) {
    match build {
        BuildDraft::Own(build) => (Some(Build::Tree(build)), None),
        BuildDraft::Of(service) => (None, Some(service)),
    }
}

fn artifact(name: &ServiceName, build_of: Option<&Use>) -> ServiceName {
    build_of.map_or_else(|| name.clone(), |of| of.service.clone())
}

fn read_files(node: Node<'_>) -> Option<StaticSpec> {
    if node.is_string() {
        return Some(StaticSpec {
            dir: node.parse("a path", values::relative)?,
            fallback: None,
            immutable: Vec::new(),
        });
    }
    if !node.is_table() {
        node.unexpected("a path, or a table");
        return None;
    }
    let table = node.table(&keys::STATIC, node.span)?;
    let path = |key| match table.get(key) {
        None => Some(None),
        Some(node) => node.parse("a path", values::relative).map(Some),
    };
    let (dir, fallback) = (path("dir"), path("fallback"));
    let immutable = build::globs(&table, "immutable");
    Some(StaticSpec {
        dir: dir?.unwrap_or_else(|| ".".to_owned()),
        fallback: fallback?,
        immutable,
    })
}

fn refuse_process_keys(name: &ServiceName, table: &Table<'_>) {
    let of_static = table.key_span("static").unwrap_or(table.place);
    for &key in ONLY_PROCESS {
        let Some(place) = table.key_span(key) else {
            continue;
        };
        let diagnostic = Diagnostic::error(
            "conflicting-keys",
            format!("`{key}` says nothing of a static service: `{name}` has no process"),
        )
        .at(table.context.source(), place.into(), "only for a process")
        .near(
            table.context.source(),
            of_static.into(),
            "static because of this",
        )
        .fix(format!("remove `{key}`"));
        table.context.report(diagnostic);
    }
}

/// Only a Compose file publishes ports.
fn refuse_publish(name: &ServiceName, table: &Table<'_>) {
    if let Some(place) = table.key_span("publish") {
        let message = format!("`{name}` is not of a Compose file: it publishes no ports");
        let problem = Problem::new("conflicting-keys", message).label("says nothing here");
        table.context.problem(place, problem.fix("remove it"));
    }
}

/// Keys that say nothing of a container, and those that say nothing of anything else.
const NEVER_WITH_IMAGE: &[&str] = &["build", "static", "writable"];
const ONLY_WITH_IMAGE: &[&str] = &["user", "volumes"];

fn refuse_with_image(name: &ServiceName, table: &Table<'_>) {
    let image = table.key_span("image").unwrap_or(table.place);
    for place in NEVER_WITH_IMAGE
        .iter()
        .filter_map(|key| table.key_span(key))
    {
        let diagnostic = Diagnostic::error(
            "conflicting-keys",
            format!("`{name}` runs an image, which has its files already"),
        )
        .at(
            table.context.source(),
            place.into(),
            "says nothing of an image",
        )
        .near(table.context.source(), image.into(), "a container by this")
        .fix("remove it; what a container keeps is in `volumes`");
        table.context.report(diagnostic);
    }
}

fn refuse_without_image(name: &ServiceName, table: &Table<'_>) {
    for place in ONLY_WITH_IMAGE.iter().filter_map(|key| table.key_span(key)) {
        let message = format!("`{name}` is no container: it has no `image`");
        let problem = Problem::new("conflicting-keys", message).label("only for a container");
        table.context.problem(
            place,
            problem.fix("add `image`; what a process keeps is in `writable`"),
        );
    }
}

/// With `output = "dist"` the root of the release is what was in `dist`: there is no `dist` in it.
fn refuse_dir_twice(table: &Table<'_>, dir: &str, build: &landfall_model::spec::BuildSpec) {
    let [output] = build.output.as_slice() else {
        return;
    };
    if dir == "." || output.to != "." || output.from != dir {
        return;
    }
    let Some(place) = table.key_span("static") else {
        return;
    };
    table.context.problem(
        place,
        Problem::new(
            "dir-twice",
            format!("there is no {dir:?} in the release: its root is {dir:?} already"),
        )
        .label(format!("`dir` is {dir:?}, and so is `build.output`"))
        .fix("remove `output` from `build`"),
    );
}
