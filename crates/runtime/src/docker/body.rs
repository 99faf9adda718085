//! What the engine is told when a container is made. Pure.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, DeviceMapping, EndpointSettings, HealthConfig, HostConfig,
    HostConfigLogConfig, NetworkingConfig, PortBinding, PortMap, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};
use landfall_model::env::EnvValues;

use super::mounts;
use crate::{InstanceSpec, LogSpec};
use landfall_model::container::{
    ContainerRun, HealthCommand, Healthcheck, NetworkMode, NetworkRef, PublishedPort, Ulimit,
};

/// The engine's unit of cores.
const NANOS_PER_CPU: f64 = 1e9;

/// The network mode of a container that has none.
const NO_NETWORK: &str = "none";

/// All that a container is made from.
pub(super) fn body(
    spec: &InstanceSpec,
    run: &ContainerRun,
    env: &EnvValues,
    labels: HashMap<String, String>,
) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(run.image.clone()),
        entrypoint: run.entrypoint.clone(),
        cmd: run.command.clone(),
        working_dir: run.working_dir.clone(),
        user: run.user.clone(),
        hostname: run.hostname.clone(),
        env: Some(variables(env)),
        labels: Some(labels),
        exposed_ports: Some(run.ports.iter().map(container_port).collect()),
        healthcheck: healthcheck(&run.healthcheck),
        tty: Some(run.tty),
        open_stdin: Some(run.stdin_open),
        stop_signal: Some(spec.stop.signal.clone()),
        stop_timeout: i64::try_from(spec.stop.grace.as_secs()).ok(),
        host_config: Some(host_config(spec, run)),
        networking_config: first_network(&run.network).map(|network| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network.name.clone(), endpoint(network))])),
        }),
        ..ContainerCreateBody::default()
    }
}

/// The environment as the engine takes it.
pub(super) fn variables(env: &EnvValues) -> Vec<String> {
    env.iter()
        .map(|(name, value)| format!("{name}={}", value.reveal()))
        .collect()
}

/// The network that a container is made on; the others are joined before its start.
pub(super) fn first_network(mode: &NetworkMode) -> Option<&NetworkRef> {
    match mode {
        NetworkMode::Joined(networks) => networks.first(),
        NetworkMode::Host => None,
    }
}

/// How a container is known on a network.
pub(super) fn endpoint(network: &NetworkRef) -> EndpointSettings {
    EndpointSettings {
        aliases: Some(network.aliases.clone()),
        ..EndpointSettings::default()
    }
}

/// What the engine does when a container ends by itself, or when it starts itself.
pub(super) fn restart_policy(restarts: bool) -> RestartPolicy {
    RestartPolicy {
        name: Some(match restarts {
            true => RestartPolicyNameEnum::UNLESS_STOPPED,
            false => RestartPolicyNameEnum::NO,
        }),
        maximum_retry_count: None,
    }
}

fn host_config(spec: &InstanceSpec, run: &ContainerRun) -> HostConfig {
    let security = &run.security;
    HostConfig {
        network_mode: Some(match &run.network {
            NetworkMode::Host => "host".to_owned(),
            NetworkMode::Joined(networks) => networks
                .first()
                .map_or(NO_NETWORK, |network| &network.name)
                .to_owned(),
        }),
        port_bindings: Some(bindings(&run.ports)),
        mounts: Some(mounts::mounts(&run.mounts)),
        tmpfs: Some(run.tmpfs.clone().into_iter().collect()),
        restart_policy: Some(restart_policy(spec.restart.is_some())),
        log_config: Some(log_config(spec.log)),
        init: run.init,
        privileged: Some(security.privileged),
        readonly_rootfs: Some(security.read_only),
        cap_add: listed(&security.cap_add),
        cap_drop: listed(&security.cap_drop),
        security_opt: listed(&security.options),
        userns_mode: security.userns.clone(),
        group_add: listed(&run.group_add),
        extra_hosts: listed(&run.extra_hosts),
        dns: listed(&run.dns.servers),
        dns_options: listed(&run.dns.options),
        dns_search: listed(&run.dns.search),
        sysctls: Some(run.sysctls.clone().into_iter().collect()),
        pid_mode: run.pid.clone(),
        ipc_mode: run.ipc.clone(),
        runtime: run.runtime.clone(),
        shm_size: run.shm_size.map(signed),
        oom_score_adj: run.oom_score_adj.map(i64::from),
        devices: Some(run.devices.iter().map(device).collect()),
        ..resources(spec, run)
    }
}

/// What it may use.
fn resources(spec: &InstanceSpec, run: &ContainerRun) -> HostConfig {
    let limits = &spec.limits;
    let memory = limits.memory.map(signed);
    HostConfig {
        memory,
        // The engine's own choice would be twice the memory, half of it swap.
        memory_swap: run.memory_swap.or(memory),
        memory_reservation: run.memory_reservation.map(signed),
        nano_cpus: limits.cpus.map(|cpus| (cpus * NANOS_PER_CPU) as i64),
        cpu_shares: run.cpu_shares.map(signed),
        cpuset_cpus: run.cpuset.clone(),
        pids_limit: limits.pids.map(i64::from),
        ulimits: Some(ulimits(limits.open_files, run)),
        ..HostConfig::default()
    }
}

fn ulimits(open_files: Option<u64>, run: &ContainerRun) -> Vec<ResourcesUlimits> {
    let mut wanted = run.ulimits.clone();
    if let Some(limit) = open_files.map(signed) {
        let (soft, hard) = (limit, limit);
        wanted.insert("nofile".to_owned(), Ulimit { soft, hard });
    }
    wanted
        .into_iter()
        .map(|(name, Ulimit { soft, hard })| ResourcesUlimits {
            name: Some(name),
            soft: Some(soft),
            hard: Some(hard),
        })
        .collect()
}

fn log_config(log: LogSpec) -> HostConfigLogConfig {
    let config = [
        ("max-size", log.max_file_bytes.to_string()),
        ("max-file", log.max_files.max(1).to_string()),
    ];
    HostConfigLogConfig {
        typ: Some("json-file".to_owned()),
        config: Some(
            config
                .map(|(name, value)| (name.to_owned(), value))
                .into_iter()
                .collect(),
        ),
    }
}

fn healthcheck(check: &Healthcheck) -> Option<HealthConfig> {
    match check {
        Healthcheck::OfImage => None,
        Healthcheck::Disabled => Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        Healthcheck::Command(HealthCommand {
            test,
            interval,
            timeout,
            retries,
            start_period,
        }) => Some(HealthConfig {
            test: Some(test.clone()),
            interval: interval.map(nanos),
            timeout: timeout.map(nanos),
            retries: retries.map(i64::from),
            start_period: start_period.map(nanos),
            start_interval: None,
        }),
    }
}

fn bindings(ports: &[PublishedPort]) -> PortMap {
    let mut map = PortMap::new();
    for port in ports {
        let binding = PortBinding {
            host_ip: port.host_ip.map(|ip| ip.to_string()),
            host_port: Some(port.host_port.unwrap_or_default().to_string()),
        };
        let of_port = map.entry(container_port(port)).or_default();
        of_port.get_or_insert_default().push(binding);
    }
    map
}

fn container_port(port: &PublishedPort) -> String {
    format!("{}/{}", port.container_port, port.protocol.name())
}

fn device(device: &landfall_model::container::DeviceSpec) -> DeviceMapping {
    DeviceMapping {
        path_on_host: Some(device.host.clone()),
        path_in_container: Some(device.container.clone()),
        cgroup_permissions: Some(device.permissions.clone()),
    }
}

/// Given only where there is something: an empty list would mean another thing to some engines.
fn listed(values: &[String]) -> Option<Vec<String>> {
    (!values.is_empty()).then(|| values.to_vec())
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
