//! What a container of a release is made from.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use landfall_model::container::{ContainerRun, MountSource, MountSpec, NetworkMode};
use landfall_model::release::Release;
use landfall_model::spec::{ContainerSpec, FileSpec, ServiceSpec};
use landfall_model::{Cause, CauseKind, Digest};

use crate::steps::prepare::io_cause;
use crate::world::World;

/// A container of a service. It runs the image that the release keeps, whatever the image's name
/// means today.
///
/// # Errors
/// When the release has no image of the service, which is a defect, or a file that the container
/// is given cannot be written.
pub fn run(
    world: &World,
    release: &Release,
    service: &ServiceSpec,
    container: &ContainerSpec,
) -> Result<ContainerRun, Cause> {
    let artifact = release.artifacts.get(&service.artifact).ok_or_else(|| {
        let message = format!(
            "release {} has no image of {}",
            release.number, service.artifact
        );
        Cause::new(CauseKind::Internal, message)
    })?;
    let spec = &release.spec;
    let paths = &world.paths;
    let dir = paths.release_files(&spec.app, &spec.environment, release.number);
    let files = container.files.iter().map(|file| mount(&dir, file));
    let mut run = container.run.clone();
    run.image = artifact.digest.to_string();
    run.mounts.extend(files.collect::<Result<Vec<_>, _>>()?);
    Ok(run)
}

/// A container that runs a command once, beside those of its service: it answers to no name, and
/// takes no port of the host.
///
/// # Errors
/// As [`run`].
pub fn run_once(
    world: &World,
    release: &Release,
    service: &ServiceSpec,
    container: &ContainerSpec,
    command: Option<Vec<String>>,
) -> Result<ContainerRun, Cause> {
    let mut run = self::run(world, release, service, container)?;
    if let NetworkMode::Joined(networks) = &mut run.network {
        networks
            .iter_mut()
            .for_each(|network| network.aliases.clear());
    }
    run.ports.clear();
    run.command = command.or(run.command);
    Ok(run)
}

/// A file lies under the digest of what it holds: several services of a release may have it.
fn mount(dir: &Path, file: &FileSpec) -> Result<MountSpec, Cause> {
    let content = file.content.reveal().as_bytes();
    let path = dir.join(Digest::of(content).hex());
    if !path.exists() {
        write(dir, &path, content).map_err(|error| io_cause("write", &path, &error))?;
    }
    Ok(MountSpec {
        target: file.target.clone(),
        source: MountSource::Bind {
            path,
            create: false,
            propagation: None,
        },
        read_only: true,
    })
}

/// Whoever runs in a container may read its files; on the host only who may enter the directory.
fn write(dir: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)?;
    let unfinished = unfinished(path);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o444)
        .open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

fn unfinished(path: &Path) -> PathBuf {
    let suffix: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(8)
        .collect();
    path.with_extension(suffix)
}
