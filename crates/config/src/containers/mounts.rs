//! What is mounted in the containers of a service.

use std::path::PathBuf;

use landfall_model::container::{MountSource, MountSpec, resource_name};

use super::value::{bytes, flag, items, pairs, text, whole};
use super::{Home, files, unsupported};
use crate::compose::{Node, Project, Service};
use crate::diagnostics::Diagnostic;

pub(super) fn of(
    service: &Service<'_>,
    project: &Project,
    home: &Home<'_>,
    found: &mut Vec<Diagnostic>,
) -> Vec<MountSpec> {
    let mut mounts = Vec::new();
    for node in items(service.node(), "volumes") {
        if files::is_shipped(node, home) {
            continue;
        }
        let Some(source) = source(node, project, home) else {
            let kind = node.text_of("type").unwrap_or_default();
            let message = format!("a mount of type `{kind}` cannot be had here");
            found.push(unsupported(
                &node.at,
                message,
                "mount a volume, a directory of the host, or memory",
            ));
            continue;
        };
        mounts.push(MountSpec {
            target: text(node, "target").unwrap_or_default(),
            source,
            read_only: flag(node, "read_only"),
        });
    }
    mounts
}

fn source(node: &Node, project: &Project, home: &Home<'_>) -> Option<MountSource> {
    Some(match node.text_of("type")? {
        "volume" => match node.text_of("source") {
            Some(key) => volume(key, node, project, home),
            None => MountSource::AnonymousVolume,
        },
        "bind" => {
            let bind = node.get("bind");
            MountSource::Bind {
                path: PathBuf::from(node.text_of("source")?),
                create: bind.is_some_and(|bind| flag(bind, "create_host_path")),
                propagation: bind.and_then(|bind| text(bind, "propagation")),
            }
        }
        "tmpfs" => {
            let memory = node.get("tmpfs");
            MountSource::Tmpfs {
                size: memory.and_then(|memory| bytes(memory, "size")),
                mode: memory.and_then(|memory| whole(memory, "mode")),
            }
        }
        _ => return None,
    })
}

fn volume(key: &str, mount: &Node, project: &Project, home: &Home<'_>) -> MountSource {
    let declared = project.resource("volumes", key);
    let named = declared.and_then(|node| project.own_name(key, node));
    let implied = || match home.adopts {
        Some(project) => format!("{project}_{key}"),
        None => resource_name(home.app, home.environment, key),
    };
    let name = named.map_or_else(implied, str::to_owned);
    let of_mount = mount.get("volume");
    MountSource::Volume {
        name,
        external: home.adopts.is_some() || declared.is_some_and(|node| flag(node, "external")),
        no_copy: of_mount.is_some_and(|mount| flag(mount, "nocopy")),
        driver: declared.and_then(|node| text(node, "driver")),
        driver_opts: declared
            .map(|node| pairs(node, "driver_opts"))
            .unwrap_or_default(),
    }
}
