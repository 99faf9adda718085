//! A deploy of some services only: the release that serves, with those as they are wanted.

use std::collections::{BTreeMap, BTreeSet};

use super::Refusal;
use crate::ServiceName;
use crate::release::Release;
use crate::spec::{AppSpec, Origin};

/// The spec of `live` with the services `names`, their routes and their tasks as `wanted` has them.
/// A service that runs the build of one of them comes along. All others stay as they are, and are
/// [`AppSpec::kept`].
///
/// # Errors
/// When a service is not there, or needs one that this leaves out.
pub fn only(wanted: &AppSpec, live: &Release, names: &[ServiceName]) -> Result<AppSpec, Refusal> {
    let chosen = together(wanted, names)?;
    check_builds(wanted, live, &chosen)?;
    let mut spec = live.spec.clone();
    let of_chosen = wanted.services.iter();
    spec.services.extend(
        of_chosen
            .filter(|(name, _)| chosen.contains(*name))
            .map(|(name, service)| (name.clone(), service.clone())),
    );
    let routes: Vec<_> = wanted
        .routes
        .iter()
        .filter(|route| chosen.contains(&route.to))
        .collect();
    spec.routes.retain(|route| {
        let is_taken =
            |new: &&crate::spec::RouteSpec| new.host == route.host && new.path == route.path;
        !chosen.contains(&route.to) && !routes.iter().any(is_taken)
    });
    spec.routes.extend(routes.into_iter().cloned());
    spec.tasks.retain(|_, task| !chosen.contains(&task.service));
    let tasks = wanted.tasks.iter();
    spec.tasks.extend(
        tasks
            .filter(|(_, task)| chosen.contains(&task.service))
            .map(|(name, task)| (name.clone(), task.clone())),
    );
    spec.kept = kept(live, &chosen);
    check_needs(&spec)?;
    Ok(spec)
}

/// The services with those that run the same builds.
fn together(wanted: &AppSpec, names: &[ServiceName]) -> Result<BTreeSet<ServiceName>, Refusal> {
    let mut builds = BTreeSet::new();
    for name in names {
        let Some(service) = wanted.services.get(name) else {
            let there = wanted.services.keys().map(ServiceName::as_str);
            let there = there.collect::<Vec<_>>().join(", ");
            return Err(Refusal::new(format!(
                "no service {name}; there are: {there}"
            )));
        };
        builds.insert(&service.artifact);
    }
    let services = wanted.services.iter();
    Ok(services
        .filter(|(_, service)| builds.contains(&service.artifact))
        .map(|(name, _)| name.clone())
        .collect())
}

/// Refuses to build anew what a service runs that is to stay as it is.
fn check_builds(
    wanted: &AppSpec,
    live: &Release,
    chosen: &BTreeSet<ServiceName>,
) -> Result<(), Refusal> {
    for (name, service) in &live.spec.services {
        if chosen.contains(&service.artifact) && !chosen.contains(name) {
            let how = match wanted.services.contains_key(name) {
                true => format!("name {name} too"),
                false => "deploy without --only".into(),
            };
            let artifact = &service.artifact;
            return Err(Refusal::new(format!(
                "{name} runs what {artifact} builds in release {}: {how}",
                live.number
            )));
        }
    }
    Ok(())
}

fn kept(live: &Release, chosen: &BTreeSet<ServiceName>) -> BTreeMap<ServiceName, Origin> {
    let of_live = Origin {
        release: live.number,
        commit: live.source.commit.clone(),
    };
    let names = live.spec.services.keys();
    names
        .filter(|name| !chosen.contains(*name))
        .map(|name| {
            let before = live.spec.kept.get(name).unwrap_or(&of_live);
            (name.clone(), before.clone())
        })
        .collect()
}

fn check_needs(spec: &AppSpec) -> Result<(), Refusal> {
    for (name, service) in &spec.services {
        let asked = service
            .env
            .values()
            .flat_map(crate::env::Template::services);
        let mut needed = service.needs.iter().chain(asked);
        if let Some(missing) = needed.find(|needed| !spec.services.contains_key(*needed)) {
            return Err(Refusal::new(format!(
                "{name} needs {missing}, which is not deployed: name {missing} too"
            )));
        }
    }
    Ok(())
}
