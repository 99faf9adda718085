//! Mounts as the engine takes them. Pure.

use std::collections::BTreeMap;

use bollard::models::{
    Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountTmpfsOptions, MountType,
    MountVolumeOptions, MountVolumeOptionsDriverConfig,
};

use landfall_model::container::{MountSource, MountSpec};

/// All mounts of a container.
pub(super) fn mounts(specs: &[MountSpec]) -> Vec<Mount> {
    specs.iter().map(mount).collect()
}

fn mount(spec: &MountSpec) -> Mount {
    let mount = Mount {
        target: Some(spec.target.clone()),
        read_only: Some(spec.read_only),
        ..Mount::default()
    };
    match &spec.source {
        MountSource::Volume {
            name,
            external: _,
            no_copy,
            driver,
            driver_opts,
        } => Mount {
            typ: Some(MountType::VOLUME),
            source: Some(name.clone()),
            volume_options: Some(MountVolumeOptions {
                no_copy: Some(*no_copy),
                driver_config: driver.as_ref().map(|driver| config(driver, driver_opts)),
                ..MountVolumeOptions::default()
            }),
            ..mount
        },
        MountSource::AnonymousVolume => Mount {
            typ: Some(MountType::VOLUME),
            ..mount
        },
        MountSource::Bind {
            path, propagation, ..
        } => Mount {
            typ: Some(MountType::BIND),
            source: Some(path.to_string_lossy().into_owned()),
            bind_options: Some(MountBindOptions {
                propagation: propagation.as_deref().and_then(propagation_of),
                ..MountBindOptions::default()
            }),
            ..mount
        },
        MountSource::Tmpfs { size, mode } => Mount {
            typ: Some(MountType::TMPFS),
            tmpfs_options: Some(MountTmpfsOptions {
                size_bytes: size.and_then(|size| i64::try_from(size).ok()),
                mode: mode.map(i64::from),
                options: None,
            }),
            ..mount
        },
    }
}

fn config(driver: &str, options: &BTreeMap<String, String>) -> MountVolumeOptionsDriverConfig {
    MountVolumeOptionsDriverConfig {
        name: Some(driver.to_owned()),
        options: Some(options.clone().into_iter().collect()),
    }
}

fn propagation_of(name: &str) -> Option<MountBindOptionsPropagationEnum> {
    name.parse().ok()
}
