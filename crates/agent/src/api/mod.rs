//! The agent's API on its unix socket.

pub mod types;
