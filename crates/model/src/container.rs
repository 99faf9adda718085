//! What a container is made from: plain data, close to what Compose and the Docker Engine call it.
//!
//! It holds no secret: the environment is given besides, and so are limits, restarts and stopping.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{AppName, EnvironmentName};

/// The name at the engine of the network that all containers of an environment share.
pub fn network_name(app: &AppName, environment: &EnvironmentName) -> String {
    format!("landfall-{app}-{environment}")
}

/// The name at the engine of a further network or a volume that belongs to an environment.
pub fn resource_name(app: &AppName, environment: &EnvironmentName, key: &str) -> String {
    format!("landfall-{app}-{environment}-{key}")
}

/// How a container runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerRun {
    /// The image: a name where it is asked for, an id where it runs.
    pub image: String,
    /// The entrypoint; `None` is the image's own.
    pub entrypoint: Option<Vec<String>>,
    /// The command; `None` is the image's own, unless the entrypoint is given.
    pub command: Option<Vec<String>>,
    /// The working directory; `None` is the image's own.
    pub working_dir: Option<String>,
    /// User, or user and group: `app`, `1000:1000`; `None` is the image's own.
    pub user: Option<String>,
    /// Groups besides the user's own.
    pub group_add: Vec<String>,
    /// Its own name for itself; `None` is the start of its id.
    pub hostname: Option<String>,
    /// Labels of the app's own. Those that begin with `dev.landfall.` are Landfall's.
    pub labels: BTreeMap<String, String>,
    /// How it reaches others.
    pub network: NetworkMode,
    /// What it sees of the host and keeps.
    pub mounts: Vec<MountSpec>,
    /// Memory by the path where it is mounted, with options as `mount -t tmpfs` takes them.
    pub tmpfs: BTreeMap<String, String>,
    /// Ports that the host forwards to it.
    pub ports: Vec<PublishedPort>,
    /// The port in the container to which users' requests go.
    pub port: Option<u16>,
    /// How the engine asks for its health.
    pub healthcheck: Healthcheck,
    /// Privileges and walls.
    pub security: SecuritySpec,
    /// Names that it resolves besides those of its networks, as `name:address`.
    pub extra_hosts: Vec<String>,
    /// Servers, options and domains of its resolver.
    pub dns: DnsSpec,
    /// Limits of the kernel by name. Open files are limited by the instance's limits as well.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Bytes of `/dev/shm`.
    pub shm_size: Option<u64>,
    /// Kernel parameters of its namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Devices of the host.
    pub devices: Vec<DeviceSpec>,
    /// Whether a small init reaps what the app leaves; `None` is as the engine is set up.
    pub init: Option<bool>,
    /// Whether it has a terminal. Its output is then all standard output.
    pub tty: bool,
    /// Whether its standard input stays open.
    pub stdin_open: bool,
    /// Bytes of memory and swap together; -1 is no bound. `None` gives no swap beyond memory.
    pub memory_swap: Option<i64>,
    /// Bytes of memory that it is held to when the host runs short.
    pub memory_reservation: Option<u64>,
    /// Weight among others that want a core; 1024 is the usual.
    pub cpu_shares: Option<u64>,
    /// Cores it may run on: `0-3`, `0,1`.
    pub cpuset: Option<String>,
    /// Namespace of processes: `host`.
    pub pid: Option<String>,
    /// Namespace of shared memory: `host`, `shareable`, `private`.
    pub ipc: Option<String>,
    /// -1000 to 1000: who is killed first when the host runs out of memory.
    pub oom_score_adj: Option<i16>,
    /// The runtime below the engine: `runc`, `runsc`.
    pub runtime: Option<String>,
}

/// How a container reaches others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkMode {
    /// By these networks; the first is the one by which it is reached. None at all leaves it
    /// without a network.
    Joined(Vec<NetworkRef>),
    /// It shares the network of the host.
    Host,
}

impl Default for NetworkMode {
    fn default() -> Self {
        Self::Joined(Vec::new())
    }
}

/// A network that a container joins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRef {
    /// The engine's name of it.
    pub name: String,
    /// Names under which others on it find the container.
    pub aliases: Vec<String>,
    /// Whether it is someone else's: it is joined as it is, and never made.
    #[serde(default)]
    pub external: bool,
    /// How it is made where it is missing.
    #[serde(default)]
    pub options: NetworkOptions,
}

/// How a network is made. One that is there is left as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkOptions {
    /// The driver; `None` is `bridge`.
    pub driver: Option<String>,
    /// What the driver is told.
    pub driver_opts: BTreeMap<String, String>,
    /// Whether nothing outside is reached from it.
    pub internal: bool,
    /// Whether it has addresses of IPv6.
    pub ipv6: bool,
    /// What gives out addresses; `None` is the engine's own.
    pub ipam_driver: Option<String>,
    /// Addresses that are given out; none leaves the choice to the engine.
    pub pools: Vec<AddressPool>,
    /// Labels of the user's own.
    pub labels: BTreeMap<String, String>,
}

/// Addresses of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddressPool {
    /// In CIDR notation: `172.28.0.0/16`.
    pub subnet: Option<String>,
    /// The part of it that containers get, in CIDR notation.
    pub range: Option<String>,
    /// The host's own address.
    pub gateway: Option<String>,
    /// Addresses that are taken, by the name of who has them.
    pub taken: BTreeMap<String, String>,
}

/// A place in a container that is not of its image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountSpec {
    /// Absolute path in the container.
    pub target: String,
    /// What is there.
    pub source: MountSource,
    /// Whether it cannot be written to.
    #[serde(default)]
    pub read_only: bool,
}

/// What a mount shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountSource {
    /// A named volume. It is made when it is missing and outlives the container.
    Volume {
        /// The engine's name of it.
        name: String,
        /// Whether it has to be there: it is never made.
        #[serde(default)]
        external: bool,
        /// Whether it starts empty where it would get what the image has there.
        no_copy: bool,
        /// The driver that makes it; `None` is `local`.
        driver: Option<String>,
        /// What the driver is told.
        driver_opts: BTreeMap<String, String>,
    },
    /// A volume without a name, which goes with the container.
    AnonymousVolume,
    /// A path of the host.
    Bind {
        /// Absolute path.
        path: PathBuf,
        /// Whether a missing path is made, as a directory; else it is an error.
        create: bool,
        /// `rprivate`, `rshared`, …; `None` is the engine's own.
        propagation: Option<String>,
    },
    /// Memory.
    Tmpfs {
        /// Bytes; `None` is half of the host's memory.
        size: Option<u64>,
        /// File mode; `None` is 1777.
        mode: Option<u32>,
    },
}

/// A port of the host that leads to a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Address of the host; `None` is all of them.
    pub host_ip: Option<IpAddr>,
    /// Port of the host; `None` is any that is free.
    pub host_port: Option<u16>,
    /// Port in the container.
    pub container_port: u16,
    /// `tcp` or `udp`.
    pub protocol: Protocol,
}

/// A transport.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Its name at the engine.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// How the engine asks a container for its health.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Healthcheck {
    /// As the image says, if it says anything.
    #[default]
    OfImage,
    /// Not at all, whatever the image says.
    Disabled,
    /// By a command in the container.
    Command(HealthCommand),
}

/// A command that tells of a container's health. What is `None` is as the image or the engine
/// has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthCommand {
    /// As at the engine: `CMD` and arguments, or `CMD-SHELL` and a text. Empty is the image's own.
    pub test: Vec<String>,
    /// Time between two.
    pub interval: Option<Duration>,
    /// Time that one may take.
    pub timeout: Option<Duration>,
    /// Failures in a row that make it unhealthy.
    pub retries: Option<u32>,
    /// Time after the start in which failures do not count.
    pub start_period: Option<Duration>,
}

/// What a container may do, and what is walled off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecuritySpec {
    /// Whether it may do whatever root on the host may.
    pub privileged: bool,
    /// Whether it cannot write to its own root.
    pub read_only: bool,
    /// Capabilities beyond the usual ones.
    pub cap_add: Vec<String>,
    /// Usual capabilities that it does not get.
    pub cap_drop: Vec<String>,
    /// As at the engine: `no-new-privileges:true`, `seccomp=…`, `apparmor=…`.
    pub options: Vec<String>,
    /// Namespace of users: `host`.
    pub userns: Option<String>,
}

/// How a container resolves names that are not of its networks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DnsSpec {
    /// Addresses of servers.
    pub servers: Vec<String>,
    /// Options, as in resolv.conf(5).
    pub options: Vec<String>,
    /// Domains that are tried.
    pub search: Vec<String>,
}

/// A limit of the kernel; -1 is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// What a process starts with.
    pub soft: i64,
    /// How far it may raise it.
    pub hard: i64,
}

/// A device of the host in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSpec {
    /// Path on the host.
    pub host: String,
    /// Path in the container.
    pub container: String,
    /// Of `rwm`: read, write, make nodes.
    pub permissions: String,
}
