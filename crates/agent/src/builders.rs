//! Builds of processes from source trees that were brought to this host: each in a fresh copy of
//! its tree; where apps run as users of their own, by one who has nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use landfall_model::{Cause, CauseKind, Digest, ServiceName};
use landfall_runtime::confine::kill_all_of;
use landfall_store::EnvironmentKey;

use crate::ports::artifacts::{BuildJob, BuildUser};
use crate::steps::prepare::io_cause;
use crate::users::{AppUser, give};
use crate::world::World;

/// What the user finds at `/tmp`. No service can have this name.
const TEMPORARY: &str = ".tmp";

/// Makes everything ready for a build of `tree`. What an earlier one left is ended and removed.
///
/// # Errors
/// When the user cannot be made, or the disk is full.
pub async fn set_up(
    world: &World,
    key: &EnvironmentKey,
    service: &ServiceName,
    tree: Digest,
) -> Result<BuildJob, Cause> {
    let user = world.users.as_ref().map(|users| users.builder(key));
    let user = user.transpose()?;
    if let Some(user) = &user {
        let ended = kill_all_of(user.ids);
        ended.map_err(|error| Cause::new(CauseKind::Internal, error.to_string()))?;
    }
    clear(world, key).await?;
    let dir = world.paths.build(&key.app, &key.environment);
    let mut passable = fs::DirBuilder::new();
    let made = passable.mode(0o711).create(&dir);
    made.map_err(|error| io_cause("make", &dir, &error))?;
    let root = dir.join(service.as_str());
    world.artifacts.materialise(tree, &root).await?;
    if let Some(user) = user.clone() {
        let tree = root.clone();
        let given = aside(move || hand_over(&tree, &user)).await?;
        given.map_err(|error| io_cause("give to the user who builds", &root, &error))?;
    }
    Ok(BuildJob {
        app: key.app.clone(),
        service: service.clone(),
        root,
        env: environment(world, user.as_ref()),
        user: user.map(|user| BuildUser {
            ids: user.ids,
            temporary: dir.join(TEMPORARY),
        }),
    })
}

/// Removes what builds of an environment left on the disk.
///
/// # Errors
/// When something cannot be removed.
pub async fn clear(world: &World, key: &EnvironmentKey) -> Result<(), Cause> {
    let dir = world.paths.build(&key.app, &key.environment);
    let tree = dir.clone();
    match aside(move || fs::remove_dir_all(tree)).await? {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io_cause("remove", &dir, &error)),
        _ => Ok(()),
    }
}

/// Does what takes long with many files, where nobody waits for the thread.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Cause> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Cause::new(CauseKind::Internal, error.to_string()))
}

/// Nobody else has to see the source.
fn hand_over(root: &Path, user: &AppUser) -> io::Result<()> {
    fs::set_permissions(root, fs::Permissions::from_mode(0o700))?;
    give(root, user)
}

fn environment(world: &World, user: Option<&AppUser>) -> BTreeMap<String, String> {
    let mut env: BTreeMap<_, _> = world.base_env.iter().cloned().collect();
    if let Some(user) = user {
        env.remove("TMPDIR");
        env.extend(
            user.variables()
                .map(|(name, value)| (name.to_owned(), value)),
        );
    }
    env
}
