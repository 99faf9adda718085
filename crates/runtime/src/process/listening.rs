//! On which addresses an instance listens, as the kernel tells.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDTarget, Process};

use super::sweep;
use crate::proc;
use crate::record::InstanceDir;
use crate::{InstanceState, InstanceStatus};

/// The addresses, sorted; empty when the instance does not run.
pub(super) async fn addresses(dir: &InstanceDir, status: &InstanceStatus) -> Vec<SocketAddr> {
    let InstanceState::Running { pid, .. } = status.state else {
        return Vec::new();
    };
    let dir = dir.clone();
    let look = move || look(&dir, pid);
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

fn look(dir: &InstanceDir, app: u32) -> Vec<SocketAddr> {
    let members: Vec<u32> = match dir.read_record() {
        Ok(record) => sweep::find(&record)
            .into_iter()
            .map(|process| process.pid)
            .collect(),
        // Put back by the shim within a second; the process tree alone will do until then.
        Err(_) => proc::descendants(&proc::all(), |process| process.pid == app)
            .into_iter()
            .map(|process| process.pid)
            .chain([app])
            .collect(),
    };
    let sockets: BTreeSet<u64> = members.into_iter().flat_map(sockets_of).collect();
    let mut found: Vec<SocketAddr> = tables(app)
        .filter(|entry| entry.state == TcpState::Listen && sockets.contains(&entry.inode))
        .map(|entry| entry.local_address)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The TCP sockets that the app can see: it may have a network of its own.
pub(crate) fn tables(app: u32) -> impl Iterator<Item = TcpNetEntry> {
    let process = i32::try_from(app)
        .ok()
        .and_then(|pid| Process::new(pid).ok());
    let v4 = process.as_ref().and_then(|process| process.tcp().ok());
    let v6 = process.as_ref().and_then(|process| process.tcp6().ok());
    v4.into_iter().flatten().chain(v6.into_iter().flatten())
}

/// The sockets that a process has open, by inode.
pub(crate) fn sockets_of(pid: u32) -> Vec<u64> {
    let process = i32::try_from(pid)
        .ok()
        .and_then(|pid| Process::new(pid).ok());
    let Some(fds) = process.and_then(|process| process.fd().ok()) else {
        return Vec::new();
    };
    fds.filter_map(|fd| match fd.ok()?.target {
        FDTarget::Socket(inode) => Some(inode),
        _ => None,
    })
    .collect()
}
