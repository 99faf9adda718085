//! The control plane: plans, executes and reconciles, and serves the API. Never prints.

pub mod adoption;
pub mod api;
pub mod builders;
pub mod checks;
pub mod claims;
pub mod compare;
pub mod containers;
pub mod deployments;
pub mod diagnose;
pub mod engine;
pub mod events;
pub mod executor;
pub mod failpoint;
pub mod health;
pub mod instances;
pub mod observe;
pub mod order;
pub mod paths;
pub mod planner;
pub mod ports;
pub mod reconcile;
pub mod redact;
mod registries;
pub mod removal;
pub mod report;
pub mod routes;
pub mod sources;
pub mod start;
pub mod steps;
pub mod table;
pub mod tasks;
pub mod token;
pub mod users;
pub mod words;
pub mod world;
pub mod writable;

pub use start::{AgentError, run};

use std::net::SocketAddr;
use std::path::PathBuf;

use landfall_model::Network;

/// Instance id under which the agent itself is supervised in [`paths::StatePaths::system`].
pub const AGENT_INSTANCE: &str = "agent";
/// Instance id under which the proxy is supervised there.
pub const PROXY_INSTANCE: &str = "proxy";

/// Why an agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its API was asked to.
    ByRequest,
    /// A signal asked it to.
    BySignal,
}

/// What an agent needs to know at start.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// Where its state is.
    pub paths: paths::StatePaths,
    /// Where the proxy serves HTTP. `None` takes the remembered address, or the first free port
    /// of loopback from 8080 on; port 0 takes any free port and remembers it.
    pub http: Option<SocketAddr>,
    /// Web servers in front of the proxy, whose word about visitors is believed.
    pub behind: Vec<Network>,
    /// The `landfall` binary, for shims and the proxy.
    pub program: PathBuf,
    /// Whether it is the agent of a host: root, with an init system that keeps the proxy, and apps
    /// that run as users of their own. Who can open its socket may speak to it.
    pub is_of_host: bool,
}
