//! Names of services that must exist, and be of a kind that fits.

use landfall_model::ServiceName;

use crate::diagnostics::nearest;
use crate::reader::{Context, Problem};
use crate::sections::{AppDraft, ServiceDraft, Use};

pub(super) fn check(draft: &AppDraft, context: &Context) {
    for route in &draft.routes {
        exists(&route.to, "a route goes to", draft, context);
        has_port(&route.to, draft, context);
    }
    for task in draft.tasks.values() {
        if exists(&task.service, "a task runs in", draft, context) {
            has_process(&task.service, "nothing can run in it", draft, context);
        }
        addresses(&task.addresses, draft, context);
    }
    for (name, service) in &draft.services {
        for need in &service.needs {
            exists(need, "a service needs", draft, context);
        }
        if let Some(of) = &service.build_of
            && exists(of, "a service shares the build of", draft, context)
        {
            has_build(name, of, draft, context);
        }
        addresses(&service.addresses, draft, context);
        for used in &service.addresses {
            reaches(service, used, draft, context);
        }
    }
    for used in draft.watch.iter().flat_map(|watch| &watch.services) {
        exists(used, "watch names", draft, context);
    }
}

fn addresses(uses: &[Use], draft: &AppDraft, context: &Context) {
    for used in uses {
        if exists(used, "a variable refers to", draft, context) {
            has_process(used, "it has no address", draft, context);
            has_port(used, draft, context);
        }
    }
}

/// Whether the service exists; a service that could not be read does.
fn exists(used: &Use, what: &str, draft: &AppDraft, context: &Context) -> bool {
    if draft.names.contains_key(&used.service) {
        return true;
    }
    let name = &used.service;
    let problem = Problem::new(
        "unknown-service",
        format!("{what} `{name}`, which is no service"),
    )
    .label("unknown service");
    let names = || draft.names.keys().map(ServiceName::as_str);
    let fix = match nearest(name.as_str(), names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if draft.names.is_empty() => format!("add [service.{name}]"),
        None => format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
    };
    context.problem(used.span, problem.fix(fix));
    false
}

fn has_process(used: &Use, why: &str, draft: &AppDraft, context: &Context) {
    let service = draft.services.get(&used.service);
    if service.is_some_and(|service| service.spec.life().is_none()) {
        let name = &used.service;
        context.problem(
            used.span,
            Problem::new(
                "static-service",
                format!("service `{name}` is static: {why}"),
            )
            .label("a static service")
            .fix("name a service with `run`, `shell` or `image`"),
        );
    }
}

/// A process is given a port; of a container only its image knows where it listens.
fn has_port(used: &Use, draft: &AppDraft, context: &Context) {
    let service = draft.services.get(&used.service);
    let container = service.and_then(|service| service.spec.container());
    if container.is_some_and(|container| container.run.port.is_none()) {
        let name = &used.service;
        context.problem(
            used.span,
            Problem::new(
                "no-port",
                format!("the container `{name}` has no `port` to be reached at"),
            )
            .label("a container without a port")
            .fix(format!(
                "say in [service.{name}] where it listens: `port = 3000`"
            )),
        );
    }
}

/// Requests of a container cannot reach a process of the host, which listens on loopback.
fn reaches(from: &ServiceDraft, used: &Use, draft: &AppDraft, context: &Context) {
    let to = draft.services.get(&used.service);
    let is_process = to.is_some_and(|to| to.spec.process().is_some());
    if from.spec.container().is_some() && is_process {
        let name = &used.service;
        context.problem(
            used.span,
            Problem::new(
                "unreachable-service",
                format!("a container cannot reach the process `{name}`"),
            )
            .label("listens on the loopback address of the host")
            .fix("run both as containers, or both as processes"),
        );
    }
}

fn has_build(name: &ServiceName, of: &Use, draft: &AppDraft, context: &Context) {
    let Some(other) = draft.services.get(&of.service) else {
        return;
    };
    let Some(further) = &other.build_of else {
        return;
    };
    let problem = if of.service == *name {
        Problem::new(
            "shared-build",
            format!("service `{name}` shares its build with itself"),
        )
        .label("itself")
        .fix("name another service, or write a table")
    } else {
        let (other, further) = (&of.service, &further.service);
        Problem::new(
            "shared-build",
            format!("service `{other}` has no build of its own"),
        )
        .label(format!("shares the build of `{further}` itself"))
        .fix(format!("write `build = \"{further}\"`"))
    };
    context.problem(of.span, problem);
}
