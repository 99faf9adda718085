//! What other environments of this host have already: routes, volumes and networks.

use landfall_model::container::{MountSource, NetworkMode};
use landfall_model::spec::{AppSpec, ContainerSpec, RouteSpec};
use landfall_model::{Cause, CauseKind};
use landfall_store::{EnvironmentKey, EnvironmentRow};

use crate::world::{World, store_cause};

/// Refuses what another environment has already.
///
/// # Errors
/// With the first of it and who has it.
pub fn check(world: &World, key: &EnvironmentKey, spec: &AppSpec) -> Result<(), Cause> {
    check_routes(world, key, spec)?;
    check_names(world, key, spec)
}

/// Refuses routes that another environment serves already.
///
/// # Errors
/// With the first of them and who has it.
fn check_routes(world: &World, key: &EnvironmentKey, spec: &AppSpec) -> Result<(), Cause> {
    let environments = world.store.environments().map_err(store_cause)?;
    for other in environments.iter().filter(|other| other.key != *key) {
        if let Some(route) = spec.routes.iter().find(|route| claims(other, route)) {
            let host = route.host.as_deref().unwrap_or("any host");
            let message = format!("{host}{} is served by {} already", route.path, other.key);
            let fix = format!(
                "give the route in landfall.toml a `host` of its own, for example \
                 `host = \"{}.localhost\"`, or another `path`",
                key.app
            );
            return Err(Cause::new(CauseKind::Refused, message).with_fix(fix));
        }
    }
    Ok(())
}

fn claims(environment: &EnvironmentRow, route: &RouteSpec) -> bool {
    let routes = environment.routes.iter().flat_map(|table| &table.routes);
    routes
        .into_iter()
        .any(|taken| taken.host == route.host && taken.path == route.path)
}

/// Refuses volumes and networks that another environment has under the same name: two databases
/// would write to one volume, and on one network each name would mean either's service. What is
/// `external` is shared because someone said so.
fn check_names(world: &World, key: &EnvironmentKey, spec: &AppSpec) -> Result<(), Cause> {
    let own: Vec<(&str, &str)> = names(spec).collect();
    if own.is_empty() {
        return Ok(());
    }
    let environments = world.store.environments().map_err(store_cause)?;
    for other in environments.iter().filter(|other| other.key != *key) {
        let Some(live) = other.live else {
            continue;
        };
        let live = world.store.release(&other.key, live).map_err(store_cause)?;
        let Some(live) = live else {
            continue;
        };
        let taken = names(&live.release.spec).find(|taken| own.contains(taken));
        if let Some((kind, name)) = taken {
            let message = format!("{} has a {kind} that is called {name}, too", other.key);
            let fix = format!(
                "leave out its `name` in the Compose files, and each environment gets a {kind} of \
                 its own; or make both share it on purpose with `external: true`"
            );
            return Err(Cause::new(CauseKind::Refused, message).with_fix(fix));
        }
    }
    Ok(())
}

/// Volumes and networks that an app makes, by kind and the engine's name.
fn names(spec: &AppSpec) -> impl Iterator<Item = (&'static str, &str)> {
    let services = spec.services.values();
    services
        .filter_map(|service| service.container())
        .flat_map(|container| volumes(container).chain(networks(container)))
}

fn volumes(container: &ContainerSpec) -> impl Iterator<Item = (&'static str, &str)> {
    let mounts = container.run.mounts.iter();
    mounts.filter_map(|mount| match &mount.source {
        MountSource::Volume { name, external, .. } if !external => Some(("volume", name.as_str())),
        _ => None,
    })
}

fn networks(container: &ContainerSpec) -> impl Iterator<Item = (&'static str, &str)> {
    let joined = match &container.run.network {
        NetworkMode::Joined(networks) => networks.as_slice(),
        _ => &[],
    };
    let own = joined.iter().filter(|network| !network.external);
    own.map(|network| ("network", network.name.as_str()))
}
