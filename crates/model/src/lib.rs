//! Ids, specs, routes, plans and the rollout state machine: pure data and pure functions
