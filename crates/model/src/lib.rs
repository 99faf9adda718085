//! The vocabulary of Landfall: ids, specs, routes, plans and the rollout state machine.
//!
//! Everything here is plain data and total functions over it. This crate does no IO, knows no
//! async runtime and reads no clock, so every decision Landfall takes can be replayed in a test.

pub mod cause;
pub mod command;
pub mod compose;
pub mod container;
pub mod digest;
pub mod env;
pub mod event;
pub mod ids;
pub mod millis;
mod network;
pub mod plan;
pub mod release;
pub mod rollout;
mod server;
pub mod snapshot;
pub mod spec;

pub use cause::{Cause, CauseKind};
pub use command::CommandSpec;
pub use digest::{Algorithm, Digest};
pub use ids::{
    AppName, DeploymentId, EnvironmentName, InstanceId, InvalidName, ReleaseNumber, ServiceName,
    TaskName,
};
pub use network::{InvalidNetwork, Network};
pub use server::{InvalidServer, ServerAddress};
