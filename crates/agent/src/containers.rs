//! What a container of a release is made from.

use landfall_model::release::Release;
use landfall_model::spec::{ContainerSpec, ServiceSpec};
use landfall_model::{Cause, CauseKind};
use landfall_runtime::container::{ContainerRun, MountSource, MountSpec, NetworkMode, NetworkRef};

/// A container of a service, known to others of its environment under `names`. It runs the image
/// that the release keeps, whatever the image's name means today.
///
/// # Errors
/// When the release has no image of the service, which is a defect.
pub fn run(
    release: &Release,
    service: &ServiceSpec,
    container: &ContainerSpec,
    names: Vec<String>,
) -> Result<ContainerRun, Cause> {
    let spec = &release.spec;
    let prefix = format!("landfall-{}-{}", spec.app, spec.environment);
    let artifact = release.artifacts.get(&service.artifact).ok_or_else(|| {
        let message = format!(
            "release {} has no image of {}",
            release.number, service.artifact
        );
        Cause::new(CauseKind::Internal, message)
    })?;
    let mounts = container.volumes.iter().map(|volume| MountSpec {
        target: volume.path.clone(),
        source: MountSource::Volume {
            name: format!("{prefix}-{}", volume.name),
            no_copy: false,
            driver: None,
            driver_opts: Default::default(),
        },
        read_only: false,
    });
    Ok(ContainerRun {
        image: artifact.digest.to_string(),
        command: container.command.clone(),
        working_dir: container.dir.clone(),
        user: container.user.clone(),
        network: NetworkMode::Joined(vec![NetworkRef {
            name: prefix.clone(),
            aliases: names,
            external: false,
        }]),
        mounts: mounts.collect(),
        port: container.port,
        ..ContainerRun::default()
    })
}
