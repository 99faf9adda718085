//! The top level.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_model::spec::SmokeSpec;
use landfall_model::{AppName, ServiceName, TaskName};

use super::env::{Env, read_env};
use super::watch::WatchDraft;
use super::{
    RouteDraft, Scope, ServiceDraft, TaskDraft, compose, route, service, smoke, task, watch,
};
use crate::containers::Composed;
use crate::diagnostics::nearest;
use crate::reader::{Span, Table};
use crate::values;

/// How many releases are kept besides the live one: a week of daily deployments is too many for
/// a small disk, and fewer make a rollback over a bad week impossible.
const KEEP_RELEASES: u32 = 5;

const DRAIN: Duration = Duration::from_secs(30);

/// All that a document says, before anything is compared with anything else.
pub(crate) struct AppDraft {
    pub(crate) app: Option<AppName>,
    pub(crate) services: BTreeMap<ServiceName, ServiceDraft>,
    /// Where each service is named first, those that could not be read included.
    pub(crate) names: BTreeMap<ServiceName, Span>,
    /// Whether there are services that are not known: those of Compose files that could not, or
    /// need not, be looked into.
    pub(crate) is_partial: bool,
    /// What Docker Compose calls the project of the Compose files.
    pub(crate) compose_project: Option<String>,
    /// The Compose project that is taken over.
    pub(crate) adopts: Option<String>,
    pub(crate) routes: Vec<RouteDraft>,
    pub(crate) tasks: BTreeMap<TaskName, TaskDraft>,
    pub(crate) smoke: Vec<SmokeSpec>,
    pub(crate) watch: Option<WatchDraft>,
    pub(crate) keep_releases: u32,
    pub(crate) drain: Duration,
}

pub(crate) fn read(table: &Table<'_>, scope: &Scope<'_>) -> AppDraft {
    let app = table.require("app");
    let env = read_env(table, scope, &Env::default());
    let mut draft = AppDraft {
        app: app.and_then(|app| app.parse("a name", values::name)),
        services: BTreeMap::new(),
        names: BTreeMap::new(),
        is_partial: false,
        compose_project: None,
        adopts: None,
        routes: Vec::new(),
        tasks: BTreeMap::new(),
        smoke: Vec::new(),
        watch: table.get("watch").and_then(watch::read),
        keep_releases: table
            .get("keep_releases")
            .and_then(|node| node.integer(0..=1000))
            .map_or(KEEP_RELEASES, |count| count as u32),
        drain: duration_or(table, "drain", DRAIN),
    };
    read_services(table, scope, &env, &mut draft);
    if let Some(routes) = table.get("route") {
        let routes = routes.list("an array of tables ([[route]])");
        draft.routes = routes
            .into_iter()
            .filter_map(|node| route::read(node, scope))
            .collect();
    }
    if let Some(smokes) = table.get("smoke") {
        let smokes = smokes.list("an array of tables ([[smoke]])");
        draft.smoke = smokes
            .into_iter()
            .filter_map(|node| smoke::read(node, scope))
            .collect();
    }
    read_tasks(table, scope, &mut draft);
    draft
}

fn read_services(table: &Table<'_>, scope: &Scope<'_>, env: &Env, draft: &mut AppDraft) {
    // What is wrong with the name is said already; all else is read under another one.
    let Some(app) = draft.app.clone().or_else(|| "app".parse().ok()) else {
        return;
    };
    let mut project = match table.get("compose") {
        None => None,
        Some(node) => match compose::read(node, &app, scope) {
            Some(project) => {
                draft.compose_project = Some(project.name.clone());
                draft.adopts = project.adopts.clone();
                Some(project)
            }
            None => {
                draft.is_partial = true;
                return;
            }
        },
    };
    let services = table.get("service");
    let services = services.map(|node| node.entries("a table ([service.NAME])"));
    for (name, place, node) in services.into_iter().flatten() {
        let name: ServiceName = match values::name(name) {
            Ok(name) => name,
            Err(problem) => {
                scope.context.problem(place, problem);
                continue;
            }
        };
        draft.names.insert(name.clone(), place);
        let composed = project.as_mut().and_then(|project| {
            let composed = project.take(&name)?;
            Some((composed, project.place))
        });
        let service = match composed {
            Some((composed, at)) => {
                add_task(&name, &composed, at, draft);
                compose::refine(&name, node, place, scope, (env, composed, at))
            }
            None => {
                let near = project
                    .as_ref()
                    .and_then(|p| nearest(name.as_str(), p.names()));
                service::read((&app, &name), node, place, scope, (env, near))
            }
        };
        if let Some(service) = service {
            draft.services.insert(name, service);
        }
    }
    let Some(mut project) = project else { return };
    for (name, composed) in project.rest() {
        draft.names.insert(name.clone(), project.place);
        add_task(&name, &composed, project.place, draft);
        let service = compose::plain(composed, env, project.place);
        draft.services.insert(name, service);
    }
}

/// A service whose end others wait for runs as a task, unless a task of its name says how.
fn add_task(name: &ServiceName, composed: &Composed, at: Span, draft: &mut AppDraft) {
    if let (true, Ok(task)) = (composed.is_task, name.as_str().parse()) {
        draft.tasks.insert(task, compose::task(name, at));
    }
}

fn read_tasks(table: &Table<'_>, scope: &Scope<'_>, draft: &mut AppDraft) {
    let Some(tasks) = table.get("task") else {
        return;
    };
    for (name, place, node) in tasks.entries("a table ([task.NAME])") {
        match values::name(name) {
            Ok(name) => {
                if let Some(task) = task::read(node, place, scope) {
                    draft.tasks.insert(name, task);
                }
            }
            Err(problem) => scope.context.problem(place, problem),
        }
    }
}

/// The duration under `key`, or the default.
pub(super) fn duration_or(table: &Table<'_>, key: &'static str, default: Duration) -> Duration {
    table
        .get(key)
        .and_then(|node| node.quantity("duration", "s", values::duration))
        .unwrap_or(default)
}

/// The same, where nothing can be done in no time.
pub(super) fn positive_duration_or(
    table: &Table<'_>,
    key: &'static str,
    default: Duration,
) -> Duration {
    let positive = |text: &str| match values::duration(text)? {
        Duration::ZERO => Err(crate::reader::Problem::new(
            "invalid-duration",
            format!("`{key}` cannot be zero"),
        )
        .label("zero")),
        duration => Ok(duration),
    };
    table
        .get(key)
        .and_then(|node| node.quantity("duration", "s", positive))
        .unwrap_or(default)
}
