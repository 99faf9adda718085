//! How far the containers of a release reach beyond what is theirs: into the host, and into what
//! belongs to others on it.

use std::collections::BTreeSet;

use landfall_model::container::{
    ContainerRun, MountSource, MountSpec, NetworkMode, NetworkOptions, SecuritySpec, network_name,
    resource_name,
};
use landfall_model::spec::AppSpec;
use landfall_store::EnvironmentKey;

/// All of it, each as a sentence about a service: `web mounts /srv of the host`.
pub(super) fn of(key: &EnvironmentKey, spec: &AppSpec) -> BTreeSet<String> {
    let containers = spec.services.iter();
    containers
        .filter_map(|(name, service)| Some((name, service.container()?)))
        .flat_map(|(name, container)| {
            let reached = of_run(key, &container.run);
            reached
                .into_iter()
                .map(move |what| format!("{name} {what}"))
        })
        .collect()
}

/// Names every field, so that a new one is decided about.
fn of_run(key: &EnvironmentKey, run: &ContainerRun) -> Vec<String> {
    let ContainerRun {
        network,
        mounts,
        security,
        sysctls,
        devices,
        pid,
        ipc,
        runtime,
        group_add,
        // These are about the container itself, its share of the machine and its own address.
        image: _,
        entrypoint: _,
        command: _,
        working_dir: _,
        user: _,
        hostname: _,
        labels: _,
        tmpfs: _,
        ports: _,
        port: _,
        healthcheck: _,
        extra_hosts: _,
        dns: _,
        ulimits: _,
        shm_size: _,
        init: _,
        tty: _,
        stdin_open: _,
        memory_swap: _,
        memory_reservation: _,
        cpu_shares: _,
        cpuset: _,
        oom_score_adj: _,
    } = run;
    let mut reached = of_network(key, network);
    reached.extend(mounts.iter().filter_map(|mount| of_mount(key, mount)));
    reached.extend(of_security(security));
    let devices = devices.iter();
    reached.extend(devices.map(|device| {
        let (host, how) = (&device.host, &device.permissions);
        format!("uses the device {host} of the host ({how})")
    }));
    reached.extend(
        sysctls
            .iter()
            .map(|(name, value)| format!("sets {name} to {value}")),
    );
    reached.extend(
        group_add
            .iter()
            .map(|group| format!("is in the group {group}")),
    );
    let spaces = [
        ("processes", pid),
        ("shared memory", ipc),
        ("runtime", runtime),
    ];
    let named = spaces
        .into_iter()
        .filter_map(|(what, named)| Some((what, named.as_ref()?)));
    let named = named.filter(|(_, named)| !matches!(named.as_str(), "private" | "shareable"));
    reached.extend(named.map(|(what, named)| format!("has {named:?} for its {what}")));
    reached
}

fn of_network(key: &EnvironmentKey, network: &NetworkMode) -> Vec<String> {
    let joined = match network {
        NetworkMode::Host => return vec!["shares the network of the host".into()],
        NetworkMode::Joined(joined) => joined,
    };
    let own = network_name(&key.app, &key.environment);
    let reaches = joined.iter().filter_map(|network| {
        let is_own = network.name == own || is_named_for(key, &network.name);
        let NetworkOptions {
            driver,
            driver_opts,
            ipam_driver,
            ..
        } = &network.options;
        let is_plain = driver.as_deref().is_none_or(|driver| driver == "bridge")
            && driver_opts.is_empty()
            && ipam_driver.is_none();
        match is_own && is_plain && !network.external {
            true => None,
            false => Some(format!("joins the network {}", network.name)),
        }
    });
    reaches.collect()
}

fn of_mount(key: &EnvironmentKey, mount: &MountSpec) -> Option<String> {
    let how = if mount.read_only {
        "to read"
    } else {
        "to write"
    };
    match &mount.source {
        MountSource::AnonymousVolume | MountSource::Tmpfs { .. } => None,
        MountSource::Bind {
            path, propagation, ..
        } => {
            let shared = propagation.as_deref().unwrap_or_default();
            Some(
                format!("mounts {} of the host {how} {shared}", path.display())
                    .trim()
                    .into(),
            )
        }
        // A driver may make a volume of anything, also of a directory of the host.
        MountSource::Volume {
            name,
            external,
            driver,
            driver_opts,
            ..
        } => {
            let is_plain = driver.as_deref().is_none_or(|driver| driver == "local");
            let is_own = is_named_for(key, name) && !external;
            match is_own && is_plain && driver_opts.is_empty() {
                true => None,
                false => Some(format!("mounts the volume {name} {how} {driver_opts:?}")),
            }
        }
    }
}

fn is_named_for(key: &EnvironmentKey, name: &str) -> bool {
    name.starts_with(&resource_name(&key.app, &key.environment, ""))
}

fn of_security(security: &SecuritySpec) -> Vec<String> {
    let SecuritySpec {
        privileged,
        cap_add,
        options,
        userns,
        // These take away.
        read_only: _,
        cap_drop: _,
    } = security;
    let mut reached = Vec::new();
    if *privileged {
        reached.push("is privileged".into());
    }
    reached.extend(
        cap_add
            .iter()
            .map(|capability| format!("has the capability {capability}")),
    );
    let opens = options
        .iter()
        .filter(|option| !option.starts_with("no-new-privileges"));
    reached.extend(opens.map(|option| format!("has the security option {option}")));
    reached.extend(
        userns
            .iter()
            .map(|space| format!("has the user namespace {space}")),
    );
    reached
}
