//! What the engine's description of a container of a Compose project says, in our words. Pure.

use std::time::Duration;

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum as Status, EndpointSettings, MountPoint,
    RestartPolicyNameEnum,
};
use landfall_model::compose::{ComposeContainer, ComposeVolume, KnownAs, RestartPolicy};
use landfall_model::container::{Protocol, PublishedPort};
use landfall_model::spec::StopSpec;

use super::{ONE_OFF, SERVICE};

/// How long a container has to end of which nothing else is said: as the engine has it.
const GRACE: Duration = Duration::from_secs(10);
/// The length of the beginning of an id by which a container is known on its networks.
const SHORT_ID: usize = 12;
/// The length of the names that the engine gives to volumes.
const GIVEN_NAME: usize = 64;

/// What the engine tells of a container of Compose's.
pub(super) fn container(raw: ContainerInspectResponse) -> Option<ComposeContainer> {
    let config = raw.config.as_ref()?;
    let labels = config.labels.as_ref()?;
    let grace = config.stop_timeout.and_then(|s| u64::try_from(s).ok());
    let signal = config.stop_signal.clone().filter(|name| !name.is_empty());
    Some(ComposeContainer {
        id: raw.id.clone()?,
        name: name_of(&raw),
        service: labels.get(SERVICE)?.clone(),
        image: config.image.clone().unwrap_or_default(),
        runs: runs(&raw),
        is_one_off: labels.get(ONE_OFF).is_some_and(|is| is == "True"),
        restart: restart_policy(&raw),
        stop: StopSpec {
            signal: signal.unwrap_or_else(|| "SIGTERM".to_owned()),
            grace: grace.map_or(GRACE, Duration::from_secs),
        },
        volumes: volumes(&raw),
        ports: ports(&raw),
        networks: networks(&raw),
    })
}

pub(super) fn name_of(raw: &ContainerInspectResponse) -> String {
    let name = raw.name.as_deref().unwrap_or_default();
    name.trim_start_matches('/').to_owned()
}

pub(super) fn runs(raw: &ContainerInspectResponse) -> bool {
    let status = raw.state.as_ref().and_then(|state| state.status);
    matches!(
        status,
        Some(Status::RUNNING | Status::PAUSED | Status::RESTARTING | Status::STOPPING)
    )
}

pub(super) fn restart_policy(raw: &ContainerInspectResponse) -> RestartPolicy {
    let host = raw.host_config.as_ref();
    let policy = host.and_then(|host| host.restart_policy.clone());
    let policy = policy.unwrap_or_default();
    let name = match policy.name {
        None | Some(RestartPolicyNameEnum::EMPTY) => RestartPolicyNameEnum::NO,
        Some(name) => name,
    };
    RestartPolicy {
        name: name.to_string(),
        retries: policy.maximum_retry_count.unwrap_or_default(),
    }
}

fn volumes(raw: &ContainerInspectResponse) -> Vec<ComposeVolume> {
    let mounts = raw.mounts.iter().flatten();
    let volumes = mounts.filter(|mount| mount.typ.as_deref() == Some("volume"));
    let volume = |mount: &MountPoint| {
        let name = mount.name.clone()?;
        Some(ComposeVolume {
            target: mount.destination.clone().unwrap_or_default(),
            writable: mount.rw.unwrap_or(true),
            is_anonymous: is_given(&name),
            name,
        })
    };
    let mut volumes: Vec<ComposeVolume> = volumes.filter_map(volume).collect();
    volumes.sort_by(|a, b| a.target.cmp(&b.target));
    volumes
}

/// Whether a volume's name is one that the engine gave.
fn is_given(name: &str) -> bool {
    name.len() == GIVEN_NAME && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn ports(raw: &ContainerInspectResponse) -> Vec<PublishedPort> {
    let host = raw.host_config.as_ref();
    let bindings = host.and_then(|host| host.port_bindings.as_ref());
    let mut ports = Vec::new();
    for (inside, outside) in bindings.into_iter().flatten() {
        let (port, protocol) = inside.split_once('/').unwrap_or((inside, "tcp"));
        let Ok(container_port) = port.parse() else {
            continue;
        };
        let protocol = match protocol {
            "udp" => Protocol::Udp,
            "sctp" => Protocol::Sctp,
            _ => Protocol::Tcp,
        };
        for binding in outside.iter().flatten() {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            ports.push(PublishedPort {
                host_ip: text(&binding.host_ip).parse().ok(),
                host_port: text(&binding.host_port).parse().ok(),
                container_port,
                protocol,
            });
        }
    }
    ports.sort_by_key(|port| (port.container_port, port.host_port));
    ports
}

pub(super) fn networks(raw: &ContainerInspectResponse) -> Vec<KnownAs> {
    let short = raw.id.as_deref().and_then(|id| id.get(..SHORT_ID));
    let settings = raw.network_settings.as_ref();
    let joined = settings.and_then(|settings| settings.networks.as_ref());
    let known_as = |(name, endpoint): (&String, &EndpointSettings)| {
        let aliases = endpoint.aliases.iter().flatten();
        let mut aliases: Vec<String> = aliases
            .filter(|alias| Some(alias.as_str()) != short)
            .cloned()
            .collect();
        aliases.sort();
        aliases.dedup();
        KnownAs {
            network: name.clone(),
            aliases,
        }
    };
    let mut known: Vec<KnownAs> = joined.into_iter().flatten().map(known_as).collect();
    known.sort_by(|a, b| a.network.cmp(&b.network));
    known
}
