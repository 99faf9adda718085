//! On which addresses a container listens, as the kernel tells.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use landfall_model::InstanceId;
use procfs::net::TcpState;

use super::DockerRuntime;
use crate::process::listening::{sockets_of, tables};
use crate::{RuntimeError, proc};
use landfall_model::container::NetworkMode;

/// Where the engine's own resolver listens in a container.
const RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

impl DockerRuntime {
    /// The addresses, sorted; none while it does not run, or where we may not look.
    pub(super) async fn listens_on(
        &self,
        id: &InstanceId,
    ) -> Result<Vec<SocketAddr>, RuntimeError> {
        let container = match self.look_at(id).await {
            Err(RuntimeError::ContainerRemoved { .. }) => return Ok(Vec::new()),
            container => container?,
        };
        if container.pid == 0 {
            return Ok(Vec::new());
        }
        let run = container.spec.run.container();
        let shares_host = run.is_some_and(|run| run.network == NetworkMode::Host);
        let pid = container.pid;
        let look = move || look(pid, shares_host);
        Ok(tokio::task::spawn_blocking(look).await.unwrap_or_default())
    }
}

fn look(pid: u32, shares_host: bool) -> Vec<SocketAddr> {
    // A network of its own has only its own sockets; the host's has everyone's.
    let own = shares_host.then(|| {
        let below = proc::descendants(&proc::all(), |process| process.pid == pid);
        let pids = below.into_iter().map(|process| process.pid).chain([pid]);
        pids.flat_map(sockets_of).collect::<BTreeSet<u64>>()
    });
    let is_own = |inode| own.as_ref().is_none_or(|own| own.contains(&inode));
    let mut found: Vec<SocketAddr> = tables(pid)
        .filter(|entry| entry.state == TcpState::Listen && is_own(entry.inode))
        .map(|entry| entry.local_address)
        .filter(|address| address.ip() != RESOLVER)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}
