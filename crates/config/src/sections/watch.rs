//! `watch`.

use std::time::Duration;

use landfall_model::spec::WatchSpec;

use super::Use;
use super::app::positive_duration_or;
use crate::keys;
use crate::reader::Node;
use crate::values;

/// A watch, with the places of the services that it names.
pub(crate) struct WatchDraft {
    pub(crate) spec: WatchSpec,
    pub(crate) services: Vec<Use>,
}

fn default_watch() -> WatchSpec {
    WatchSpec {
        window: Duration::from_secs(60),
        min_requests: 20,
        max_error_increase: 0.05,
        max_slowdown: 3.0,
        services: Vec::new(),
    }
}

pub(super) fn read(node: Node<'_>) -> Option<WatchDraft> {
    let default = default_watch();
    if !node.is_table() {
        let window = node.quantity("duration", "s", values::duration)?;
        return Some(WatchDraft {
            spec: WatchSpec { window, ..default },
            services: Vec::new(),
        });
    }
    let table = node.table(&keys::WATCH, node.span)?;
    let services = table.get("services");
    let services = services.map(|node| node.list("an array of names of services"));
    let services: Vec<Use> = services
        .into_iter()
        .flatten()
        .filter_map(Use::read)
        .collect();
    let number = |key, range| table.get(key).and_then(|node| node.number(range));
    let spec = WatchSpec {
        window: positive_duration_or(&table, "window", default.window),
        min_requests: table
            .get("min_requests")
            .and_then(|node| node.integer(1..=1_000_000_000))
            .unwrap_or(default.min_requests),
        max_error_increase: number("max_error_increase", 0.0..=1.0)
            .unwrap_or(default.max_error_increase),
        max_slowdown: number("max_slowdown", 1.0..=1000.0).unwrap_or(default.max_slowdown),
        services: services.iter().map(|used| used.service.clone()).collect(),
    };
    Some(WatchDraft { spec, services })
}
