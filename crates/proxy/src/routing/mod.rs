//! What the proxy serves: a snapshot compiled for lookup, and the state that outlives snapshots
//! (requests under way per instance, counters).

mod compile;
mod counters;
mod hosts;
mod instances;
mod shared;
#[cfg(test)]
mod tests;

pub(crate) use compile::{RouteEntry, Routing, Service, ServiceUpstream, TargetEntry};
pub(crate) use counters::{CounterCells, CounterKey};
pub(crate) use hosts::HostBuf;
pub(crate) use instances::{Instance, Lease};
pub(crate) use shared::{Admission, Phase, Refusal, Registry, Shared};
