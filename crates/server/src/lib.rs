//! Servers: reached with the user's own `ssh`, looked at before anything is done, and made ready.
//!
//! [`Ssh`] runs commands on a server and carries the API's bytes. [`inspect`] finds out what a
//! server is, [`checks`] judges it, and [`install`] is the other end: run there as root, it puts in
//! place what is missing and says what it did. Knows no apps, no releases and no HTTP; never prints.

pub mod checks;
mod config;
mod facts;
pub mod install;
mod layout;
mod ssh;

pub use config::{ConfigError, HostConfig};
pub use facts::{Facts, Holder, Sudo, inspect};
pub use layout::{AGENT_UNIT, GROUP, HOST_CONFIG, INSTALLED, PROXY_UNIT, PROXY_USER};
pub use ssh::{Ran, Ssh, SshError, Tunnel, TunnelEnd};
