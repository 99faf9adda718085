//! The order in which services start: those that others need come first.

use landfall_model::ServiceName;
use landfall_model::spec::AppSpec;

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
