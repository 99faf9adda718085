//! Listening sockets: one per address, shared by all workers.
//!
//! Not one per worker with `SO_REUSEPORT`: a single socket has a single queue, so nothing is lost when
//! the number of workers changes, idle workers take what busy ones would leave waiting, and a second
//! process on the same port is an error instead of a silent thief.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use landfall_model::snapshot::{Snapshot, Unbound};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::{mpsc, oneshot};

use crate::worker::Command;

/// Connections that may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;
/// How long a connection is silent before the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// What is served on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// HTTP.
    Http,
    /// A service's stable address.
    Tcp,
}

/// All listening sockets, and who accepts on them.
#[derive(Debug)]
pub(crate) struct Listeners {
    open: BTreeMap<(Kind, SocketAddr), TcpListener>,
    workers: Vec<mpsc::UnboundedSender<Command>>,
}

impl Listeners {
    /// None yet.
    pub(crate) fn new(workers: Vec<mpsc::UnboundedSender<Command>>) -> Self {
        Self {
            open: BTreeMap::new(),
            workers,
        }
    }

    /// Listens where `snapshot` says, and no longer anywhere else. Returns what failed.
    pub(crate) async fn follow(&mut self, snapshot: &Snapshot) -> Vec<Unbound> {
        let wanted = wanted(snapshot);
        let unwanted: Vec<_> = self.open.keys().copied().collect();
        for key in unwanted {
            if !wanted.contains(&key) {
                self.close(key).await;
            }
        }
        let mut unbound = Vec::new();
        for key in wanted {
            if self.open.contains_key(&key) {
                continue;
            }
            if let Err(error) = bind(key.1).and_then(|listener| self.adopt(key, listener)) {
                unbound.push(Unbound {
                    address: key.1,
                    reason: error.to_string(),
                });
            }
        }
        unbound
    }

    /// Accepts on a socket that is already listening.
    pub(crate) fn adopt(
        &mut self,
        key: (Kind, SocketAddr),
        listener: TcpListener,
    ) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let copies: io::Result<Vec<_>> =
            self.workers.iter().map(|_| listener.try_clone()).collect();
        for (worker, copy) in self.workers.iter().zip(copies?) {
            let _ = worker.send(Command::Listen(key.0, key.1, copy));
        }
        self.open.insert(key, listener);
        Ok(())
    }

    /// Accepts no more anywhere. What was waiting is accepted first, unless a successor holds the
    /// sockets too, in which case it may take them as well.
    pub(crate) async fn close_all(&mut self) {
        while let Some(key) = self.open.keys().next().copied() {
            self.close(key).await;
        }
    }

    /// Every socket, to be handed over.
    pub(crate) fn all(&self) -> Vec<((Kind, SocketAddr), BorrowedFd<'_>)> {
        self.open
            .iter()
            .map(|(&key, listener)| (key, listener.as_fd()))
            .collect()
    }

    /// Where HTTP is served.
    pub(crate) fn http(&self) -> Vec<SocketAddr> {
        let open = self.open.iter();
        open.filter(|(key, _)| key.0 == Kind::Http)
            .map(|(key, listener)| listener.local_addr().unwrap_or(key.1))
            .collect()
    }

    /// Tells every worker.
    pub(crate) fn tell(&self, command: impl Fn() -> Command) {
        for worker in &self.workers {
            let _ = worker.send(command());
        }
    }

    /// Has every worker hand its log lines over.
    pub(crate) async fn flush_logs(&self) {
        for worker in &self.workers {
            let (done, wait) = oneshot::channel();
            if worker.send(Command::Flush(done)).is_ok() {
                let _ = wait.await;
            }
        }
    }

    async fn close(&mut self, key: (Kind, SocketAddr)) {
        // Ours goes first, so that the last worker's drain is followed by nothing but the close.
        self.open.remove(&key);
        for worker in &self.workers {
            let (done, wait) = oneshot::channel();
            if worker.send(Command::Unlisten(key.0, key.1, done)).is_ok() {
                let _ = wait.await;
            }
        }
    }
}

/// Where a snapshot wants to be listened.
pub(crate) fn wanted(snapshot: &Snapshot) -> Vec<(Kind, SocketAddr)> {
    let http = snapshot.http.iter().map(|&address| (Kind::Http, address));
    let tables = snapshot.tables.iter();
    let tcp = tables
        .flat_map(|table| &table.addresses)
        .map(|address| (Kind::Tcp, address.listen));
    let mut wanted: Vec<_> = http.chain(tcp).collect();
    wanted.sort();
    wanted.dedup();
    wanted
}

/// Options are set on the listening socket: accepted ones inherit them without a system call each.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED) {
        // All addresses are those of IPv4 as well, whatever the system's default is.
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(KEEPALIVE))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
