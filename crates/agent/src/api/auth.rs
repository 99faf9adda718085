//! Who may speak to the agent: the user it runs as, and root. The one authorization of the API.

use std::io;

use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};

/// A listener that hangs up on everyone but the agent's own user and root, as the kernel tells
/// who they are.
pub struct OwnerListener(pub UnixListener);

impl axum::serve::Listener for OwnerListener {
    type Io = UnixStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (UnixStream, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) if is_owner(&stream) => return (stream, address),
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
        self.0.local_addr()
    }
}

fn is_owner(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}
