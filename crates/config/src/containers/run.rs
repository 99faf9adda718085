//! What the containers of a service are made from.

use std::collections::BTreeMap;

use landfall_model::container::{
    ContainerRun, DeviceSpec, DnsSpec, HealthCommand, Healthcheck, NetworkMode, Protocol,
    PublishedPort, SecuritySpec, Ulimit,
};

use super::value::{
    bytes, duration, fields, flag, items, pairs, said_flag, text, texts, whole, whole_of,
};
use super::{Home, mounts, networks, unsupported};
use crate::compose::{Node, Project, Service};
use crate::diagnostics::Diagnostic;

/// What would be something else than what was asked for goes to `found`.
pub(super) fn of(
    service: &Service<'_>,
    project: &Project,
    home: &Home<'_>,
    found: &mut Vec<Diagnostic>,
) -> ContainerRun {
    refuse(service, found);
    let node = service.node();
    let reserved = node
        .get("deploy")
        .and_then(|deploy| deploy.get("resources")?.get("reservations"));
    let words = |words: Option<Vec<&str>>| {
        words.map(|words| words.into_iter().map(str::to_owned).collect())
    };
    let (network, ports) = (
        networks::of(service, project, home, found),
        ports(service, found),
    );
    ContainerRun {
        image: text(node, "image")
            .unwrap_or_else(|| format!("landfall/{}/{}", home.app, service.name())),
        entrypoint: words(service.entrypoint()),
        command: words(service.command()),
        working_dir: text(node, "working_dir"),
        user: text(node, "user"),
        group_add: texts(node, "group_add"),
        hostname: text(node, "hostname"),
        labels: pairs(node, "labels"),
        port: port(node, &ports, &network),
        network,
        mounts: mounts::of(service, project, home, found),
        tmpfs: tmpfs(node),
        ports,
        healthcheck: healthcheck(service),
        security: SecuritySpec {
            privileged: flag(node, "privileged"),
            read_only: flag(node, "read_only"),
            cap_add: texts(node, "cap_add"),
            cap_drop: texts(node, "cap_drop"),
            options: texts(node, "security_opt"),
            userns: text(node, "userns_mode"),
        },
        extra_hosts: extra_hosts(node),
        dns: DnsSpec {
            servers: texts(node, "dns"),
            options: texts(node, "dns_opt"),
            search: texts(node, "dns_search"),
        },
        ulimits: ulimits(node),
        shm_size: bytes(node, "shm_size").filter(|size| *size > 0),
        sysctls: pairs(node, "sysctls"),
        devices: items(node, "devices").iter().map(device).collect(),
        init: said_flag(node, "init"),
        tty: flag(node, "tty"),
        stdin_open: flag(node, "stdin_open"),
        memory_swap: bytes(node, "memswap_limit").filter(|size| *size != 0),
        memory_reservation: reserved
            .and_then(|reserved| bytes(reserved, "memory"))
            .or_else(|| bytes(node, "mem_reservation"))
            .filter(|size| *size > 0),
        cpu_shares: whole(node, "cpu_shares"),
        cpuset: text(node, "cpuset"),
        pid: text(node, "pid"),
        ipc: text(node, "ipc"),
        oom_score_adj: whole(node, "oom_score_adj"),
        runtime: text(node, "runtime"),
    }
}

/// What would have to be something else.
fn refuse(service: &Service<'_>, found: &mut Vec<Diagnostic>) {
    const KEYS: &[(&str, &str, &str)] = &[
        (
            "volumes_from",
            "takes its volumes from another container",
            "name the volumes themselves in `volumes` of both services",
        ),
        (
            "provider",
            "is run by another program",
            "take it away, and point the others at where it is",
        ),
    ];
    for (key, what, fix) in KEYS {
        if let Some(at) = service.place_of(key) {
            let message = format!("`{}` {what}, which Landfall does not do", service.name());
            found.push(unsupported(at, message, fix));
        }
    }
    for key in ["ipc", "pid"] {
        let shared = service.node().text_of(key);
        let is_shared = |mode: &str| mode.starts_with("service:") || mode.starts_with("container:");
        if let (Some(mode), Some(at)) = (shared.filter(|m| is_shared(m)), service.place_of(key)) {
            let message = format!("`{}` cannot share `{key}` as `{mode}`", service.name());
            found.push(unsupported(at, message, "take it away"));
        }
    }
}

fn ports(service: &Service<'_>, found: &mut Vec<Diagnostic>) -> Vec<PublishedPort> {
    let mut ports = Vec::new();
    for port in service.ports() {
        let host_port = match port.published {
            None | Some("" | "0") => None,
            Some(published) => match published.parse() {
                Ok(published) => Some(published),
                Err(_) => {
                    let message = format!("{published} is more than one port of the host");
                    found.push(unsupported(
                        port.at,
                        message,
                        "write one port, or none for any",
                    ));
                    continue;
                }
            },
        };
        ports.push(PublishedPort {
            host_ip: port.host_ip.and_then(|ip| ip.parse().ok()),
            host_port,
            container_port: port.target,
            protocol: match port.protocol {
                "udp" => Protocol::Udp,
                "sctp" => Protocol::Sctp,
                _ => Protocol::Tcp,
            },
        });
    }
    ports
}

/// Where requests go, if there is only one place.
fn port(service: &Node, ports: &[PublishedPort], network: &NetworkMode) -> Option<u16> {
    if *network == NetworkMode::Joined(Vec::new()) {
        return None;
    }
    let published = ports.iter().filter(|port| port.protocol == Protocol::Tcp);
    let mut numbers: Vec<u16> = published.map(|port| port.container_port).collect();
    let exposed = texts(service, "expose");
    numbers.extend(
        exposed
            .iter()
            .filter_map(|port| port.trim_end_matches("/tcp").parse::<u16>().ok()),
    );
    numbers.sort_unstable();
    numbers.dedup();
    match numbers[..] {
        [port] => Some(port),
        _ => None,
    }
}

fn healthcheck(service: &Service<'_>) -> Healthcheck {
    let Some(check) = service.node().get("healthcheck") else {
        return Healthcheck::OfImage;
    };
    let test = service.health_test().unwrap_or_default();
    if flag(check, "disable") || test.first() == Some(&"NONE") {
        return Healthcheck::Disabled;
    }
    Healthcheck::Command(HealthCommand {
        test: test.into_iter().map(str::to_owned).collect(),
        interval: duration(check, "interval"),
        timeout: duration(check, "timeout"),
        retries: whole(check, "retries"),
        start_period: duration(check, "start_period"),
    })
}

fn tmpfs(service: &Node) -> BTreeMap<String, String> {
    let split = |text: String| match text.split_once(':') {
        Some((path, options)) => (path.to_owned(), options.to_owned()),
        None => (text, String::new()),
    };
    texts(service, "tmpfs").into_iter().map(split).collect()
}

/// As the engine takes them; the canonical form has `=` between name and address.
fn extra_hosts(service: &Node) -> Vec<String> {
    let pair = |text: String| match text.split_once('=') {
        Some((name, address)) => format!("{name}:{address}"),
        None => text,
    };
    texts(service, "extra_hosts")
        .into_iter()
        .map(pair)
        .collect()
}

pub(super) fn ulimits(service: &Node) -> BTreeMap<String, Ulimit> {
    let limit = |node: &Node| {
        let both = whole_of(node);
        Some(Ulimit {
            soft: both.or_else(|| whole(node, "soft"))?,
            hard: both.or_else(|| whole(node, "hard"))?,
        })
    };
    fields(service, "ulimits")
        .filter_map(|(name, node)| Some((name.to_owned(), limit(node)?)))
        .collect()
}

fn device(node: &Node) -> DeviceSpec {
    let source = text(node, "source").unwrap_or_default();
    DeviceSpec {
        container: text(node, "target").unwrap_or_else(|| source.clone()),
        host: source,
        permissions: text(node, "permissions").unwrap_or_else(|| "rwm".to_owned()),
    }
}
