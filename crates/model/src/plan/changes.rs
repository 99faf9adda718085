//! What changes besides services: routes, variables, and what a person should know.

use std::collections::BTreeMap;

use super::{Action, Change, Desired, EnvLine, Intent, Observed, Plan, RouteLine};
use crate::ServiceName;
use crate::env::Template;
use crate::spec::{AppSpec, RouteSpec, ServiceSpec, When};

pub(super) fn routes(before: Option<&AppSpec>, after: &AppSpec) -> Vec<RouteLine> {
    let place = |route: &RouteSpec| (route.host.clone(), route.path.clone());
    let index = |spec: &AppSpec| -> BTreeMap<_, RouteSpec> {
        spec.routes
            .iter()
            .map(|route| (place(route), route.clone()))
            .collect()
    };
    let (before, after) = (before.map(index).unwrap_or_default(), index(after));
    let mut lines = Vec::new();
    for (place, route) in &after {
        let change = match before.get(place) {
            None => Change::Added,
            Some(old) if old != route => Change::Changed,
            Some(_) => continue,
        };
        lines.push(RouteLine {
            route: route.clone(),
            change,
        });
    }
    for (_, route) in before
        .into_iter()
        .filter(|(place, _)| !after.contains_key(place))
    {
        lines.push(RouteLine {
            route,
            change: Change::Removed,
        });
    }
    lines
}

pub(super) fn env(before: Option<&AppSpec>, after: &AppSpec) -> Vec<EnvLine> {
    let variables = |spec: Option<&AppSpec>| -> BTreeMap<(ServiceName, String), Template> {
        let services = spec.into_iter().flat_map(|spec| &spec.services);
        let pairs = services.flat_map(|(service, spec)| {
            spec.env
                .iter()
                .map(|(name, value)| ((service.clone(), name.clone()), value.clone()))
        });
        pairs.collect()
    };
    let (before, after) = (variables(before), variables(Some(after)));
    let line = |(service, name): &(ServiceName, String), change| EnvLine {
        service: service.clone(),
        name: name.clone(),
        change,
    };
    let mut lines = Vec::new();
    for (variable, value) in &after {
        match before.get(variable) {
            None => lines.push(line(variable, Change::Added)),
            Some(old) if old != value => lines.push(line(variable, Change::Changed)),
            Some(_) => {}
        }
    }
    for variable in before
        .keys()
        .filter(|variable| !after.contains_key(variable))
    {
        lines.push(line(variable, Change::Removed));
    }
    lines
}

fn keeps_volumes(service: &ServiceSpec) -> bool {
    let container = service.container();
    container.is_some_and(|container| container.writes_outside())
}

pub(super) fn notes(plan: &Plan, desired: &Desired, observed: &Observed) -> Vec<String> {
    let mut notes = Vec::new();
    for line in plan
        .services
        .iter()
        .filter(|line| line.action == Action::ReplaceStopFirst)
    {
        let service = desired.spec.services.get(&line.service);
        let why = match service.and_then(ServiceSpec::fixed_port) {
            Some(port) => format!("it insists on port {port}"),
            None if service.is_some_and(ServiceSpec::holds_host_port) => {
                "it has ports of the host".into()
            }
            None if service.is_some_and(keeps_volumes) => {
                "only one container at a time may write to its volumes".into()
            }
            None => "it declares `overlap = false`".into(),
        };
        let grace = service
            .and_then(|service| service.life())
            .map(|life| life.stop.grace.as_secs());
        notes.push(format!(
            "{} is replaced stop-first because {why}: it answers nothing from the stop of the old \
             instance (at most {} s) until the new one is ready",
            line.service,
            grace.unwrap_or_default(),
        ));
    }
    let skips_tasks = matches!(desired.intent, Intent::Rollback { .. })
        && desired
            .spec
            .tasks
            .values()
            .any(|task| task.when == When::BeforeSwitch);
    if skips_tasks {
        notes.push("tasks do not run on a rollback: what a migration changed stays changed".into());
    }
    let restarted: Vec<&str> = plan
        .services
        .iter()
        .filter(|line| line.action == Action::Start && observed.stopped.contains(&line.service))
        .map(|line| line.service.as_str())
        .collect();
    if !restarted.is_empty() && !matches!(desired.intent, Intent::Start { .. }) {
        notes.push(format!(
            "starts what was stopped by hand: {}",
            restarted.join(", ")
        ));
    }
    notes.extend(kept(&desired.spec));
    notes
}

/// What a deploy of some services leaves as it is.
fn kept(spec: &AppSpec) -> Option<String> {
    let names: Vec<&str> = spec.kept.keys().map(ServiceName::as_str).collect();
    let newest = spec.kept.values().map(|origin| origin.release).max()?;
    Some(format!(
        "not deployed, and as in release {newest}: {}, routes to them, smoke checks and all \
         settings of the app",
        names.join(", ")
    ))
}
