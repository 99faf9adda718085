//! Where things are on a server, and what they are called.

/// The command that everyone runs: a link to the version that is in force.
pub const INSTALLED: &str = "/usr/local/bin/landfall";
/// Every version that was installed, each in a directory of its own.
pub(crate) const VERSIONS: &str = "/usr/local/lib/landfall";
/// The configuration of the host.
pub const HOST_CONFIG: &str = "/etc/landfall/agent.toml";
/// Where systemd finds units that no package brought.
pub(crate) const UNITS: &str = "/etc/systemd/system";
/// The agent's unit.
pub const AGENT_UNIT: &str = "landfall-agent.service";
/// The proxy's unit.
pub const PROXY_UNIT: &str = "landfall-proxy.service";
/// Who is in it may deploy: the group of the agent's socket.
pub const GROUP: &str = "landfall";
/// The user that the proxy runs as, and its group.
pub const PROXY_USER: &str = "landfall-proxy";
