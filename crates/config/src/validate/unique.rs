//! What two parts of an app cannot both have.

use std::collections::BTreeMap;

use crate::diagnostics::Diagnostic;
use crate::reader::{Context, Span};
use crate::sections::AppDraft;

pub(super) fn check(draft: &AppDraft, context: &Context) {
    routes(draft, context);
    ports(draft, context);
}

fn routes(draft: &AppDraft, context: &Context) {
    let mut seen: BTreeMap<(Option<&str>, &str), (&str, Span)> = BTreeMap::new();
    for route in &draft.routes {
        let spec = &route.spec;
        let key = (spec.host.as_deref(), spec.path.as_str());
        let here = (spec.to.as_str(), route.place);
        let Some((other, first)) = seen.insert(key, here) else {
            continue;
        };
        let host = spec.host.as_deref().unwrap_or("any host");
        let path = &spec.path;
        let diagnostic = Diagnostic::error(
            "duplicate-route",
            format!("two routes claim {path} of {host}"),
        )
        .at(
            context.source(),
            route.place.into(),
            format!("goes to `{}`", spec.to),
        )
        .near(context.source(), first.into(), format!("goes to `{other}`"))
        .fix("give one of them another host or `path`, or remove it");
        context.report(diagnostic);
    }
}

fn ports(draft: &AppDraft, context: &Context) {
    let mut seen: BTreeMap<u16, (&str, Span)> = BTreeMap::new();
    for (name, service) in &draft.services {
        let (Some(port), Some(place)) = (service.spec.fixed_port(), service.port) else {
            continue;
        };
        if let Some(replicas) = service.replicas
            && service.spec.replicas > 1
        {
            let diagnostic = Diagnostic::error(
                "port-with-replicas",
                format!("replicas of `{name}` cannot share port {port}"),
            )
            .at(context.source(), replicas.into(), "more than one")
            .near(
                context.source(),
                place.into(),
                "all of them insist on this port",
            )
            .fix("let the program listen on `PORT` and remove `port`, or keep one replica");
            context.report(diagnostic);
        }
        if let Some(other) = seen.insert(port, (name.as_str(), place)) {
            let mut both = [other, (name.as_str(), place)];
            both.sort_by_key(|&(_, place)| place);
            let [(other, first), (name, place)] = both;
            let diagnostic = Diagnostic::error(
                "duplicate-port",
                format!("services `{other}` and `{name}` insist on port {port}"),
            )
            .at(context.source(), place.into(), format!("`{name}`"))
            .near(context.source(), first.into(), format!("`{other}`"))
            .fix("give one of them another port, or let it listen on `PORT` and remove `port`");
            context.report(diagnostic);
        }
    }
}
