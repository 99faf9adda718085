//! Taking over what a Compose project runs: which of its containers stop, and when.

use serde::{Deserialize, Serialize};

use super::{Action, Desired, Intent, Observed, ServiceLine};
use crate::ServiceName;
use crate::compose::{ComposeContainer, ComposeVolume, KnownAs, RestartPolicy};
use crate::container::MountSource;
use crate::spec::{ServiceSpec, StopSpec};

/// A container of a Compose project that is stopped, and never removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptLine {
    /// The service that takes its place.
    pub service: ServiceName,
    /// Its name.
    pub name: String,
    /// The engine's id of it.
    pub container: String,
    /// The service before whose new containers it stops; `None` where it goes on until the
    /// release has proved itself.
    pub before: Option<ServiceName>,
    /// How it stops.
    pub stop: StopSpec,
    /// What it gets back when the deployment is undone.
    pub restart: RestartPolicy,
    /// Where and as what others of the project find it.
    pub networks: Vec<KnownAs>,
}

/// The containers of the project that a service takes the place of.
pub(super) fn predecessors<'a>(
    desired: &Desired,
    observed: &'a Observed,
    service: &ServiceName,
) -> Vec<&'a ComposeContainer> {
    let runs = desired.spec.services.get(service).map(|s| s.replicas > 0);
    let is_deploy = matches!(desired.intent, Intent::Deploy { .. });
    let is_of = |container: &&ComposeContainer| {
        container.service == service.as_str() && container.runs && !container.is_one_off
    };
    match is_deploy && runs == Some(true) {
        true => observed.compose.iter().filter(is_of).collect(),
        false => Vec::new(),
    }
}

/// A line for each container that is taken over.
pub(super) fn lines(
    desired: &Desired,
    observed: &Observed,
    services: &[ServiceLine],
) -> Vec<AdoptLine> {
    let mut lines = Vec::new();
    for (name, spec) in &desired.spec.services {
        for container in predecessors(desired, observed, name) {
            lines.push(AdoptLine {
                service: name.clone(),
                name: container.name.clone(),
                container: container.id.clone(),
                before: stops_before((name, spec), container, desired, services),
                stop: container.stop.clone(),
                restart: container.restart.clone(),
                networks: container.networks.clone(),
            });
        }
    }
    lines
}

/// A container stops first where its own service must not overlap, or where another one that must
/// not takes a volume that it writes to.
fn stops_before(
    (name, spec): (&ServiceName, &ServiceSpec),
    container: &ComposeContainer,
    desired: &Desired,
    services: &[ServiceLine],
) -> Option<ServiceName> {
    let stop_first = services
        .iter()
        .filter(|line| line.action == Action::ReplaceStopFirst)
        .map(|line| &line.service);
    let mut stop_first: Vec<&ServiceName> = stop_first.collect();
    if stop_first.contains(&name) {
        return Some(name.clone());
    }
    // Whose service writes to it as well and may overlap was said to cope with others.
    stop_first.retain(|other| {
        let other = desired.spec.services.get(*other);
        let shares = |volume: &ComposeVolume| {
            volume.writable
                && other.is_some_and(|other| uses(other, &volume.name))
                && !uses(spec, &volume.name)
        };
        container.volumes.iter().any(shares)
    });
    stop_first.first().map(|other| (*other).clone())
}

fn uses(service: &ServiceSpec, volume: &str) -> bool {
    let mounts = service.container().map(|container| &container.run.mounts);
    mounts
        .into_iter()
        .flatten()
        .any(|mount| matches!(&mount.source, MountSource::Volume { name, .. } if name == volume))
}

/// What a person should know of it.
pub(super) fn notes(lines: &[AdoptLine], desired: &Desired, observed: &Observed) -> Vec<String> {
    let Some(project) = desired.spec.adopts.as_ref().filter(|_| !lines.is_empty()) else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    let first = |line: &&AdoptLine| line.before.is_some();
    for line in lines.iter().filter(first) {
        let Some(before) = &line.before else { continue };
        let why = match *before == line.service {
            true => format!("before {before} starts"),
            false => format!("before {before} starts, because it writes to a volume of it"),
        };
        notes.push(format!(
            "{} of the Compose project {project} is stopped {why}; it is started again if the \
             deployment fails",
            line.name
        ));
    }
    let later = lines.iter().filter(|line| line.before.is_none());
    let later: Vec<&str> = later.map(|line| line.name.as_str()).collect();
    if !later.is_empty() {
        notes.push(format!(
            "{} of the Compose project {project} answer{} on until the release has proved itself, \
             and {} stopped then",
            later.join(", "),
            if later.len() == 1 { "s" } else { "" },
            if later.len() == 1 { "is" } else { "are" },
        ));
    }
    notes.extend(closed_ports(lines, desired, observed));
    notes.extend(left_behind(lines, observed));
    notes.extend(left_alone(lines, desired, observed));
    notes
}

/// Ports of the host that nothing listens on afterwards.
fn closed_ports(lines: &[AdoptLine], desired: &Desired, observed: &Observed) -> Vec<String> {
    let mut notes = Vec::new();
    for line in lines {
        let spec = desired.spec.services.get(&line.service);
        let kept: Vec<u16> = spec
            .and_then(ServiceSpec::container)
            .map(|container| container.host_ports().collect())
            .unwrap_or_default();
        let container = container(observed, line);
        let ports = container.into_iter().flat_map(|c| &c.ports);
        let mut closed: Vec<u16> = ports
            .filter_map(|port| port.host_port)
            .filter(|port| !kept.contains(port))
            .collect();
        closed.sort_unstable();
        closed.dedup();
        for port in closed {
            notes.push(format!(
                "port {port} of the host closes when {} stops: what asks there has to ask \
                 Landfall's proxy from then on",
                line.name
            ));
        }
    }
    notes
}

/// What containers wrote to where only they can read it.
fn left_behind(lines: &[AdoptLine], observed: &Observed) -> Vec<String> {
    let mut notes = Vec::new();
    for line in lines {
        let volumes = container(observed, line)
            .into_iter()
            .flat_map(|c| &c.volumes);
        for volume in volumes.filter(|volume| volume.is_anonymous) {
            notes.push(format!(
                "what {} has in {} stays behind: it is in a volume without a name, which goes with \
                 that container",
                line.name, volume.target
            ));
        }
    }
    notes
}

/// Containers of the project that are no part of the app.
fn left_alone(lines: &[AdoptLine], desired: &Desired, observed: &Observed) -> Vec<String> {
    let is_taken = |container: &ComposeContainer| {
        let mut taken = lines.iter().map(|line| line.container.as_str());
        taken.any(|id| id == container.id)
    };
    let left = observed.compose.iter().filter(|c| c.runs && !is_taken(c));
    let services = desired.spec.services.iter();
    let services: Vec<_> = services.filter(|(_, spec)| !spec.may_overlap()).collect();
    left.map(|container| {
        let writes = |volume: &&ComposeVolume| {
            let used = services.iter().any(|(_, spec)| uses(spec, &volume.name));
            volume.writable && used
        };
        let name = &container.name;
        match container.volumes.iter().find(writes) {
            Some(volume) => format!(
                "{name} is left alone, and writes to {}, which the app writes to as well: stop it \
                 unless it is meant to",
                volume.name
            ),
            None => format!(
                "{name} is left alone: the app has no service {}",
                container.service
            ),
        }
    })
    .collect()
}

fn container<'a>(observed: &'a Observed, line: &AdoptLine) -> Option<&'a ComposeContainer> {
    let mut all = observed.compose.iter();
    all.find(|container| container.id == line.container)
}
