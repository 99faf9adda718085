//! What a Compose project runs, for a person who is about to take it over.

use landfall_agent::api::types::ComposeProjectView;
use landfall_model::compose::ComposeContainer;
use landfall_model::container::PublishedPort;

use crate::printer::{Cell, Paint, Table, Tone};

/// The containers of a project that run, with what they hold.
pub fn adopted(view: &ComposeProjectView, paint: Paint, width: usize) -> String {
    let mut table = Table::new([
        "SERVICE",
        "CONTAINER",
        "IMAGE",
        "PORTS",
        "NETWORKS",
        "VOLUMES",
    ]);
    for container in view.containers.iter().filter(|container| container.runs) {
        table.row([
            container.service.as_str().into(),
            container.name.as_str().into(),
            Cell::new(container.image.as_str(), Tone::Faint),
            ports(container).into(),
            networks(container).into(),
            volumes(container).into(),
        ]);
    }
    let name = paint.tone(Tone::Strong, &view.project);
    format!(
        "The Compose project {name} runs:\n\n{}\n",
        table.render(paint, width)
    )
}

fn ports(container: &ComposeContainer) -> String {
    let port = |port: &PublishedPort| {
        let at = port.host_ip.map(|ip| format!("{ip}:")).unwrap_or_default();
        let host = port.host_port.map_or("any".into(), |port| port.to_string());
        format!("{at}{host} → {}", port.container_port)
    };
    let ports: Vec<String> = container.ports.iter().map(port).collect();
    ports.join(", ")
}

fn networks(container: &ComposeContainer) -> String {
    let names = container
        .networks
        .iter()
        .map(|known| known.network.as_str());
    names.collect::<Vec<_>>().join(", ")
}

fn volumes(container: &ComposeContainer) -> String {
    let volumes = container.volumes.iter().map(|volume| {
        let name = match volume.is_anonymous {
            true => "without a name",
            false => &volume.name,
        };
        format!("{name} → {}", volume.target)
    });
    volumes.collect::<Vec<_>>().join(", ")
}
