//! Who may speak to the agent at all.

use std::io;

use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};

/// Who may speak to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peers {
    /// The user it runs as, and root, as the kernel tells who they are.
    Owner,
    /// Everyone who can open the socket: its mode and group are the rule, and the kernel keeps it.
    Group,
}

impl Peers {
    /// The mode of the socket.
    pub fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Group => 0o660,
        }
    }

    fn may_speak(self, stream: &UnixStream) -> bool {
        match self {
            Self::Owner => is_owner(stream),
            Self::Group => true,
        }
    }
}

/// A listener that hangs up on everyone who may not speak to the agent.
pub struct PeerListener {
    /// Where they come.
    pub socket: UnixListener,
    /// Who may.
    pub peers: Peers,
}

impl axum::serve::Listener for PeerListener {
    type Io = UnixStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (UnixStream, SocketAddr) {
        loop {
            match self.socket.accept().await {
                Ok((stream, address)) if self.peers.may_speak(&stream) => return (stream, address),
                Ok((stream, _)) => {
                    tracing::warn!(peer = ?stream.peer_cred(), "refused another user");
                }
                Err(error) => {
                    tracing::error!(%error, "failed to accept a connection");
                    // Out of descriptors, most likely: give those in use time to close.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

fn is_owner(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}
