//! What only a service with an `image` has.

use landfall_model::container::{
    ContainerRun, MountSource, MountSpec, NetworkMode, NetworkRef, network_name, resource_name,
};
use landfall_model::spec::ContainerSpec;
use landfall_model::{AppName, CommandSpec, ServiceName};

use super::Scope;
use super::process::{default_life, read_life};
use crate::reader::{Node, Problem, Span, Table};

/// A container, with what is decided when all is read.
pub(super) struct ContainerDraft {
    pub(super) spec: ContainerSpec,
    pub(super) ready_given: bool,
    pub(super) port: Option<Span>,
}

pub(super) fn read(
    (app, name): (&AppName, &ServiceName),
    table: &Table<'_>,
    image: Node<'_>,
    run: Option<CommandSpec>,
    scope: &Scope<'_>,
) -> Option<ContainerDraft> {
    let image = image.parse("the name of an image", image_name);
    let port = table.get("port");
    let number = port.and_then(|node| node.integer(1..=65535));
    let dir = table.get("dir");
    let dir = dir.and_then(|node| node.parse("an absolute path", absolute));
    let user = table.get("user");
    let user = user.and_then(|node| node.parse("a user", user_name));
    let volumes = read_volumes(table);
    let life = read_life(table, scope, default_life(volumes.is_empty()));
    let mount = |volume: Volume| MountSpec {
        target: volume.path,
        source: MountSource::Volume {
            name: resource_name(app, scope.environment, &volume.name),
            external: false,
            no_copy: false,
            driver: None,
            driver_opts: Default::default(),
        },
        read_only: false,
    };
    let run = ContainerRun {
        image: image?,
        command: run.map(|run| run.argv()),
        working_dir: dir,
        user,
        port: number.map(|port| port as u16),
        mounts: volumes.into_iter().map(mount).collect(),
        network: NetworkMode::Joined(vec![NetworkRef {
            name: network_name(app, scope.environment),
            aliases: vec![name.to_string()],
            ..NetworkRef::default()
        }]),
        ..ContainerRun::default()
    };
    Some(ContainerDraft {
        spec: ContainerSpec {
            run,
            files: Vec::new(),
            is_told_port: true,
            life: life.spec,
        },
        ready_given: life.ready_given,
        port: port.map(|node| node.span),
    })
}

fn image_name(text: &str) -> Result<String, Problem> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    match starts_well && text.chars().all(is_name) {
        true => Ok(text.to_owned()),
        false => Err(Problem::new(
            "invalid-image",
            format!("{text:?} is not the name of an image"),
        )
        .label("letters, digits and `._-/:@` only")
        .fix("write it as `docker image ls` shows it: `redis:7`")),
    }
}

fn absolute(text: &str) -> Result<String, Problem> {
    match text.starts_with('/') && !text.contains('\0') {
        true => Ok(text.to_owned()),
        false => Err(
            Problem::new("relative-path", format!("{text:?} is no absolute path"))
                .label("must begin with `/`")
                .fix("name the path as it is in the container"),
        ),
    }
}

fn user_name(text: &str) -> Result<String, Problem> {
    let is_user = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
    match !text.is_empty() && text.chars().all(is_user) {
        true => Ok(text.to_owned()),
        false => Err(
            Problem::new("invalid-user", format!("{text:?} is not a user"))
                .label("a user, or a user and a group")
                .fix("write a name or a number: `app`, `1000:1000`"),
        ),
    }
}

/// A volume of the environment.
struct Volume {
    name: String,
    path: String,
}

fn read_volumes(table: &Table<'_>) -> Vec<Volume> {
    let nodes = table.get("volumes");
    let nodes = nodes.map(|node| node.list("an array of volumes"));
    let mut volumes: Vec<Volume> = Vec::new();
    for node in nodes.into_iter().flatten() {
        let Some(volume) = node.parse("a volume", volume) else {
            continue;
        };
        if volumes.iter().any(|other| other.path == volume.path) {
            let message = format!("two volumes are at {}", volume.path);
            let problem = Problem::new("duplicate-volume", message).label("the second one");
            node.problem(problem.fix("give each a path of its own"));
        }
        volumes.push(volume);
    }
    volumes
}

fn volume(text: &str) -> Result<Volume, Problem> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    match text.split_once(':') {
        Some((name, path)) if is_name(name) && path.starts_with('/') => Ok(Volume {
            name: name.to_owned(),
            path: path.to_owned(),
        }),
        _ => Err(
            Problem::new("invalid-volume", format!("{text:?} is not a volume"))
                .label("a name, a colon and an absolute path")
                .fix("write `data:/var/lib/data`; the name is the volume's in this environment"),
        ),
    }
}
