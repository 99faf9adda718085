//! The engine that runs boxes, and the network between them.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::ssh::Ssh;
use crate::docker::DockerEngine;

/// The network of all boxes.
pub(super) const NETWORK: &str = "boxes";
/// A network of 64 addresses less its own, the bridge's and the last.
const MOST_BOXES: u32 = 60;

/// An engine that runs boxes. They reach each other and are reached from the machine by address;
/// they do not reach the internet.
#[derive(Debug)]
pub struct ServerEngine {
    pub(super) docker: DockerEngine,
    pub(super) ssh: Ssh,
    /// The first address of the network.
    base: Ipv4Addr,
    boxes: AtomicU32,
}

impl ServerEngine {
    /// The engine that tests of a process share. Their boxes must differ in name.
    ///
    /// # Panics
    /// When no engine starts.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ServerEngine> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// An engine that ends when it is dropped.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Self {
        let docker = DockerEngine::start(false);
        let base = create_network(&docker);
        let ssh = Ssh::create(&dir_of(&docker).join("ssh"));
        let boxes = AtomicU32::new(0);
        Self {
            docker,
            ssh,
            base,
            boxes,
        }
    }

    /// The engine itself.
    pub fn docker(&self) -> &DockerEngine {
        &self.docker
    }

    /// The command that connects to boxes by their [hosts](super::ServerBox::host), by address, and
    /// with a user before either: `ssh -F FILE`, without blanks in the file's path.
    pub fn ssh_command(&self) -> String {
        self.ssh.command()
    }

    /// What is removed with the engine, mounts included.
    pub(super) fn dir(&self) -> PathBuf {
        dir_of(&self.docker)
    }

    /// An address that no other box has had.
    pub(super) fn next_address(&self) -> Ipv4Addr {
        let number = self.boxes.fetch_add(1, Ordering::Relaxed);
        assert!(
            number < MOST_BOXES,
            "no more than {MOST_BOXES} boxes an engine"
        );
        // The first is the network's, the second the bridge's.
        Ipv4Addr::from(u32::from(self.base) + 2 + number)
    }
}

fn dir_of(docker: &DockerEngine) -> PathBuf {
    let socket = docker.socket();
    socket.parent().map(Path::to_owned).expect("a directory")
}

/// Makes the network with the addresses that the engine finds free, but fixed: only then may a
/// container ask for one of them, and have it after it was off.
fn create_network(docker: &DockerEngine) -> Ipv4Addr {
    docker.docker(&["network", "create", NETWORK]);
    let form = "{{(index .IPAM.Config 0).Subnet}}";
    let subnet = docker.docker(&["network", "inspect", "--format", form, NETWORK]);
    docker.docker(&["network", "rm", NETWORK]);
    docker.docker(&["network", "create", "--subnet", &subnet, NETWORK]);
    let base = subnet.split('/').next().and_then(|base| base.parse().ok());
    base.unwrap_or_else(|| panic!("{subnet} is no network"))
}
