//! Source trees that were brought to this host: laid out for the builds that are made here, each by
//! its digest, the newest and those of open deployments kept.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use landfall_model::{Cause, Digest};
use landfall_store::EnvironmentKey;

use crate::steps::prepare::io_cause;
use crate::world::{World, store_cause};

/// Lays a source tree out, unless it is; where it is.
///
/// # Errors
/// When it was not brought here, or the disk is full.
pub async fn lay_out(world: &World, key: &EnvironmentKey, tree: Digest) -> Result<PathBuf, Cause> {
    let sources = world.paths.sources(&key.app, &key.environment);
    let place = sources.join(tree.to_string());
    if place.exists() {
        return Ok(place);
    }
    let mut private = fs::DirBuilder::new();
    private.recursive(true).mode(0o700);
    private
        .create(&sources)
        .map_err(|error| io_cause("make", &sources, &error))?;
    world.artifacts.materialise(tree, &place).await?;
    Ok(place)
}

/// The tree that is laid out at a place that [`lay_out`] told; `None` of any other directory.
pub fn tree_at(world: &World, key: &EnvironmentKey, place: &Path) -> Option<Digest> {
    let name = place.strip_prefix(world.paths.sources(&key.app, &key.environment));
    name.ok()?.to_str()?.parse().ok()
}

/// The trees that are laid out for an environment.
pub fn laid_out(world: &World, key: &EnvironmentKey) -> Vec<Digest> {
    let sources = world.paths.sources(&key.app, &key.environment);
    let entries = fs::read_dir(sources).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Removes those that neither `newest` nor an open deployment needs.
///
/// # Errors
/// When the store fails, or one cannot be removed.
pub fn forget(world: &World, key: &EnvironmentKey, newest: &Path) -> Result<(), Cause> {
    let open = world.store.open_deployments().map_err(store_cause)?;
    let needed: BTreeSet<PathBuf> = open
        .into_iter()
        .filter_map(|row| row.request.root)
        .collect();
    let sources = world.paths.sources(&key.app, &key.environment);
    for tree in laid_out(world, key) {
        let place = sources.join(tree.to_string());
        if place == newest || needed.contains(&place) {
            continue;
        }
        match fs::remove_dir_all(&place) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(io_cause("remove", &place, &error));
            }
            _ => {}
        }
    }
    Ok(())
}
