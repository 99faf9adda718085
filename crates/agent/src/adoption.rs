//! What a deploy that takes over a Compose project finds of it.

use landfall_model::compose::ComposeContainer;
use landfall_model::container::MountSource;
use landfall_model::plan::{Desired, Intent};
use landfall_model::{Cause, CauseKind};

use crate::world::World;

/// The containers of the Compose project whose place a deploy takes.
///
/// # Errors
/// When a volume of the project that the app is to go on with is not there, or the engine does not
/// answer.
pub async fn containers(world: &World, desired: &Desired) -> Result<Vec<ComposeContainer>, Cause> {
    let Some(project) = &desired.spec.adopts else {
        return Ok(Vec::new());
    };
    if !matches!(desired.intent, Intent::Deploy { .. }) {
        return Ok(Vec::new());
    }
    let containers = desired.spec.services.values().filter_map(|s| s.container());
    for mount in containers.flat_map(|container| &container.run.mounts) {
        let MountSource::Volume { name, external, .. } = &mount.source else {
            continue;
        };
        if *external && !world.compose.has_volume(name).await? {
            let message = format!("there is no volume {name}, which the app is to go on with");
            return Err(Cause::new(CauseKind::Refused, message).with_fix(format!(
                "the app adopts the Compose project {project}: see `docker volume ls` for what \
                 its volumes are called, or make this one with `docker volume create {name}`"
            )));
        }
    }
    world.compose.containers(project).await
}
