//! The order in which services start: those that others need come first.

use std::collections::BTreeSet;

use landfall_model::ServiceName;
use landfall_model::spec::AppSpec;
use landfall_store::InstanceRow;

/// Groups `services` so that each needs only services of earlier groups. What does not run in
/// this deployment counts as ready.
pub fn levels(spec: &AppSpec, services: &[ServiceName]) -> Vec<Vec<ServiceName>> {
    let mut left: Vec<ServiceName> = services.to_vec();
    let mut levels = Vec::new();
    while !left.is_empty() {
        let waits = |name: &ServiceName| {
            let needs = spec
                .services
                .get(name)
                .map(|service| service.needs.as_slice());
            needs
                .unwrap_or_default()
                .iter()
                .any(|need| left.contains(need) && need != name)
        };
        let (next, later): (Vec<_>, Vec<_>) = left.iter().cloned().partition(|name| !waits(name));
        if next.is_empty() {
            // A cycle: the configuration refuses those, and an old release with one still starts.
            levels.push(later);
            break;
        }
        levels.push(next);
        left = later;
    }
    levels
}

/// Groups instances so that each is stopped before those of the services that it needs: what stops
/// may have something to finish there.
pub fn stop_groups<'a>(
    spec: Option<&AppSpec>,
    rows: &'a [InstanceRow],
) -> Vec<Vec<&'a InstanceRow>> {
    let Some(spec) = spec else {
        return vec![rows.iter().collect()];
    };
    let mut services: Vec<ServiceName> = rows.iter().map(|row| row.service.clone()).collect();
    services.sort();
    services.dedup();
    let levels = levels(spec, &services).into_iter().rev();
    levels
        .map(|level| {
            rows.iter()
                .filter(|row| level.contains(&row.service))
                .collect()
        })
        .collect()
}

/// Everything that services need, and what that needs in turn; not the services themselves.
pub fn needed(
    spec: &AppSpec,
    services: impl Iterator<Item = ServiceName>,
) -> BTreeSet<ServiceName> {
    let mut found = BTreeSet::new();
    let mut left: Vec<ServiceName> = services.collect();
    while let Some(name) = left.pop() {
        let needs = spec.services.get(&name).map(|service| &service.needs);
        for need in needs.into_iter().flatten() {
            if found.insert(need.clone()) {
                left.push(need.clone());
            }
        }
    }
    found
}
