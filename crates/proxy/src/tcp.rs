//! Layer 4: a stable address that leads to an instance of a service.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::conn::{Buf, on_connect_error, tunnel};
use crate::routing::Lease;
use crate::upstream::UpstreamConn;
use crate::worker::Worker;

/// Pause between attempts while every instance refuses.
const RETRY_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Serves a connection that was accepted at `address`.
pub(crate) async fn serve_stream(io: TcpStream, address: SocketAddr, worker: &Worker) {
    let deadline = Instant::now() + worker.shared.limits.layer4_wait;
    // A close without an answer is all that layer 4 can say.
    if let Ok((upstream, lease)) = timeout_at(deadline, connect(address, worker)).await {
        tunnel(io, Buf::default(), upstream.io, upstream.buf, worker).await;
        drop(lease);
    } else {
        tracing::warn!(%address, "no instance took a connection in time");
    }
}

/// Connects to an instance, waiting for one to appear.
async fn connect(address: SocketAddr, worker: &Worker) -> (UpstreamConn, Lease) {
    let mut changes = worker.shared.changes();
    let mut tried = Vec::new();
    loop {
        changes.mark_unchanged();
        let Some(lease) = worker.shared.admit_stream(address, &tried) else {
            tried.clear();
            let _ = tokio::time::timeout(RETRY_PAUSE, changes.changed()).await;
            continue;
        };
        let target = lease.target();
        match UpstreamConn::connect(target.address, worker.shared.limits.connect).await {
            Ok(upstream) => {
                target.instance.resume();
                return (upstream, lease);
            }
            Err(error) => {
                on_connect_error(worker, &lease, &error);
                tried.push(target.instance.key);
            }
        }
    }
}
