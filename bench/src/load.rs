//! The load that apps are under while something happens to them.

use std::net::SocketAddr;

use landfall_load::LoadPlan;

/// As many requests as a small site sees in its best hour, on kept and on new connections.
pub fn steady(target: SocketAddr) -> LoadPlan {
    LoadPlan {
        keep_alive: 4,
        new_connections: 4,
        pace: 100.0,
        paths: vec!["/".into()],
        ..LoadPlan::idle(target, "bench.test")
    }
}
