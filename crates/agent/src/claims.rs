//! Which routes are taken by other environments of this host.

use landfall_model::spec::{AppSpec, RouteSpec};
use landfall_model::{Cause, CauseKind};
use landfall_store::{EnvironmentKey, EnvironmentRow};

use crate::world::{World, store_cause};

/// Refuses routes that another environment serves already.
///
/// # Errors
/// With the first of them and who has it.
pub fn check_routes(world: &World, key: &EnvironmentKey, spec: &AppSpec) -> Result<(), Cause> {
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
