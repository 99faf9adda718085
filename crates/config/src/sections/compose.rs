//! `compose`, and services that come from Compose files.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_model::spec::{Build, ServiceKind, ServiceSpec, TaskSpec, When};
use landfall_model::{AppName, ServiceName};

use super::env::{Env, read_env};
use super::process::read_life;
use super::service::{ServiceDraft, read_running};
use super::{Scope, TaskDraft, Use, command};
use crate::compose;
use crate::containers::{self, Composed, Request};
use crate::diagnostics::Diagnostic;
use crate::keys;
use crate::reader::{Node, Problem, Span, Table};
use crate::values;

/// How long a service that others wait for may take to end.
const TASK_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// What is said in the Compose file, and nowhere else.
const OF_COMPOSE: &[&str] = &[
    "image", "build", "static", "dir", "user", "volumes", "writable",
];

/// Services of Compose files that are not taken yet.
pub(super) struct Project {
    /// Where the files are named.
    pub(super) place: Span,
    /// What Docker Compose calls it.
    pub(super) name: String,
    /// The project on this machine that is taken over.
    pub(super) adopts: Option<String>,
    services: BTreeMap<ServiceName, Composed>,
}

/// The project that `compose` names; `None` where it is wrong, or not to be looked into.
pub(super) fn read(node: Node<'_>, app: &AppName, scope: &Scope<'_>) -> Option<Project> {
    let (files, profiles, adopts) = match node.is_table() {
        true => {
            let table = node.table(&keys::COMPOSE, node.span)?;
            let profiles = table.get("profiles");
            let profiles = profiles.map(|node| node.list("an array of names of profiles"));
            let adopts = match table.get("adopt") {
                Some(node) => Some(node.parse("the name of a Compose project", project_name)?),
                None => None,
            };
            (table.require("files")?.one_or_more(), profiles, adopts)
        }
        false => (node.one_or_more(), None, None),
    };
    let adopts = scope.adopts.map(str::to_owned).or(adopts);
    if files.is_empty() {
        let problem = Problem::new("no-compose-file", "`compose` names no file");
        node.problem(problem.label("empty").fix("name one, or remove `compose`"));
        return None;
    }
    let paths = files.iter().map(|node| read_path(*node, scope));
    let files: Vec<String> = paths.collect::<Option<_>>()?;
    let text = |node: Node<'_>| node.text("the name of a profile").map(str::to_owned);
    let profiles: Vec<_> = profiles.into_iter().flatten().filter_map(text).collect();
    if !scope.read_files {
        return None;
    }
    let request = Request {
        app,
        environment: scope.environment,
        root: scope.root,
        files,
        profiles,
        variables: scope.variables,
        adopts: adopts.as_deref(),
    };
    let (name, services) = containers::read(request, scope.context)?;
    Some(Project {
        place: node.span,
        name,
        adopts,
        services,
    })
}

fn project_name(text: &str) -> Result<String, Problem> {
    if compose::is_project_name(text) {
        return Ok(text.to_owned());
    }
    let message = format!("{text:?} is no name of a Compose project");
    let problem = Problem::new("invalid-name", message).label("no project has this name");
    Err(problem.fix("`docker compose ls` lists the projects that run"))
}

fn read_path(node: Node<'_>, scope: &Scope<'_>) -> Option<String> {
    let path = node.parse("a path", values::relative)?;
    if !scope.read_files || scope.root.join(&path).exists() {
        return Some(path);
    }
    let problem = Problem::new("missing-file", format!("{path:?} does not exist"));
    node.problem(
        problem
            .label("no such file")
            .fix("name a Compose file that is there"),
    );
    None
}

impl Project {
    /// Takes the service of a name; `None` where there is no such one.
    pub(super) fn take(&mut self, name: &ServiceName) -> Option<Composed> {
        self.services.remove(name)
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> BTreeMap<ServiceName, Composed> {
        std::mem::take(&mut self.services)
    }

    /// The names of what is left.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(ServiceName::as_str)
    }
}

/// A service as its Compose file has it.
pub(super) fn plain(composed: Composed, env: &Env, at: Span) -> ServiceDraft {
    let below = over(env, &composed);
    draft(composed, below, at)
}

/// A service of a Compose file of which `[service.NAME]` says more.
pub(super) fn refine(
    name: &ServiceName,
    node: Node<'_>,
    place: Span,
    scope: &Scope<'_>,
    (app_env, composed, at): (&Env, Composed, Span),
) -> Option<ServiceDraft> {
    let table = node.table(&keys::SERVICE, place)?;
    refuse_of_compose(name, &table);
    let mut composed = composed;
    let env = read_env(&table, scope, &over(app_env, &composed));
    let container = &mut composed.container;
    let run = table.one_of(&["run", "shell"]);
    if let Some(run) = run.and_then(|(key, node)| command::read(key, node)) {
        container.run.command = Some(run.argv());
    }
    if table.get("publish").and_then(Node::boolean) == Some(false) {
        container.run.ports.clear();
    }
    let port = table.get("port").and_then(|node| node.integer(1..=65535));
    container.run.port = port.map(|port| port as u16).or(container.run.port);
    let life = read_life(&table, scope, container.life.clone());
    container.life = life.spec;
    composed.ready_given |= life.ready_given;
    let running = read_running(&table);
    let mut draft = draft(composed, env, at);
    if running.replicas.is_some() {
        draft.spec.replicas = running.count;
        draft.replicas = running.replicas;
    }
    draft.spec.needs.extend(running.names());
    draft.needs.extend(running.needs);
    draft.spec.version = running.version;
    refuse_second_port(name, &table, &draft.spec);
    Some(draft)
}

/// The variables of the app with those of the Compose file over them.
fn over(app: &Env, composed: &Composed) -> Env {
    let mut env = app.clone();
    env.values.extend(composed.env.clone());
    env
}

fn draft(composed: Composed, env: Env, at: Span) -> ServiceDraft {
    let needs = composed.needs.iter().map(|service| Use {
        service: service.clone(),
        span: at,
    });
    ServiceDraft {
        needs: needs.collect(),
        spec: ServiceSpec {
            kind: ServiceKind::Container(composed.container),
            build: composed.build.map(Build::Image),
            artifact: composed.artifact,
            replicas: composed.replicas,
            needs: composed.needs,
            env: env.values,
            version: None,
        },
        build_of: None,
        addresses: env.uses,
        port: None,
        replicas: None,
        ready_given: composed.ready_given,
    }
}

/// The task that a service is whose end others wait for.
pub(super) fn task(service: &ServiceName, at: Span) -> TaskDraft {
    TaskDraft {
        spec: TaskSpec {
            service: service.clone(),
            run: None,
            when: When::BeforeSwitch,
            timeout: TASK_TIMEOUT,
            blocking: true,
            env: BTreeMap::new(),
        },
        service: Use {
            service: service.clone(),
            span: at,
        },
        addresses: Vec::new(),
    }
}

fn refuse_of_compose(name: &ServiceName, table: &Table<'_>) {
    for &key in OF_COMPOSE {
        if let Some(place) = table.key_span(key) {
            let message = format!("`{name}` comes from a Compose file, which says its `{key}`");
            let problem = Problem::new("conflicting-keys", message).label("belongs there");
            table.context.problem(
                place,
                problem.fix("write it in the Compose file, or in one that is laid over it"),
            );
        }
    }
}

/// Two containers cannot have one port of the host.
fn refuse_second_port(name: &ServiceName, table: &Table<'_>, spec: &ServiceSpec) {
    let asks = table.get("overlap").and_then(Node::boolean) == Some(true);
    if !spec.holds_host_port() || !(asks || spec.replicas > 1) {
        return;
    }
    let place = table.key_span(if asks { "overlap" } else { "replicas" });
    let message = format!("containers of `{name}` cannot share its ports of the host");
    let diagnostic = Diagnostic::error("conflicting-keys", message)
        .at(
            table.context.source(),
            place.unwrap_or(table.place).into(),
            "asks for two at once",
        )
        .fix(
            "add `publish = false`, if users come through a route, or take `ports` out of the \
             Compose file",
        );
    table.context.report(diagnostic);
}
