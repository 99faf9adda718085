//! What concerns several sections at once: names that must exist, things that must differ.

mod graph;
mod names;
mod unique;

use landfall_model::EnvironmentName;
use landfall_model::spec::{AppSpec, SPEC_FORMAT, ServiceKind};

use crate::reader::Context;
use crate::sections::AppDraft;

/// The app, when nothing of the whole file is wrong.
pub(crate) fn app(
    mut draft: AppDraft,
    environment: &EnvironmentName,
    context: &Context,
) -> Option<AppSpec> {
    names::check(&draft, context);
    unique::check(&draft, context);
    graph::check(&draft, context);
    if context.has_errors() {
        return None;
    }
    decide_readiness(&mut draft);
    Some(AppSpec {
        format: SPEC_FORMAT,
        app: draft.app?,
        environment: environment.clone(),
        services: draft
            .services
            .into_iter()
            .map(|(name, service)| (name, service.spec))
            .collect(),
        routes: draft.routes.into_iter().map(|route| route.spec).collect(),
        tasks: draft
            .tasks
            .into_iter()
            .map(|(name, task)| (name, task.spec))
            .collect(),
        smoke: draft.smoke,
        watch: draft.watch.map(|watch| watch.spec),
        keep_releases: draft.keep_releases,
        drain: draft.drain,
        kept: std::collections::BTreeMap::new(),
        adopts: draft.adopts,
    })
}

/// A process that is asked for its port is ready when that accepts connections; of another one
/// nothing can be known but that it stays up.
fn decide_readiness(draft: &mut AppDraft) {
    let routes = draft.routes.iter().map(|route| &route.spec.to);
    let services = draft.services.values();
    let tasks = draft.tasks.values();
    let addresses = services
        .flat_map(|service| &service.addresses)
        .chain(tasks.flat_map(|task| &task.addresses))
        .map(|used| &used.service);
    let listening: Vec<_> = routes.chain(addresses).cloned().collect();
    for (name, service) in &mut draft.services {
        let (has_port, life) = match &mut service.spec.kind {
            ServiceKind::Process(process) => (process.fixed_port.is_some(), &mut process.life),
            ServiceKind::Container(container) => {
                (container.run.port.is_some(), &mut container.life)
            }
            ServiceKind::Static(_) => continue,
        };
        if !service.ready_given {
            let listens = has_port || listening.contains(name);
            life.ready.probe = crate::sections::default_ready(listens).probe;
        }
    }
}
