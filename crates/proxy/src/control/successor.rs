//! The successor's side of a take-over.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use landfall_model::snapshot::{ProxyStatus, Snapshot};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::message::{Message, PROTOCOL, receive, receive_sockets, send};
use crate::listeners::Kind;

/// How long the predecessor may take for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest head of its answer to the upgrade.
const MAX_HEAD: usize = 4096;

/// A predecessor that is draining.
#[derive(Debug)]
pub(crate) struct Predecessor {
    stream: UnixStream,
}

/// What a predecessor handed over, and still serves until it is released.
#[derive(Debug)]
pub(crate) struct Inheritance {
    /// Its listening sockets.
    pub(crate) sockets: Vec<((Kind, SocketAddr), TcpListener)>,
    stream: UnixStream,
}

/// Asks the proxy behind the control socket for its listening sockets. `None` when none is there.
///
/// # Errors
/// When it does not hand them over.
pub(crate) async fn inherit(control: &Path) -> io::Result<Option<Inheritance>> {
    let mut stream = match UnixStream::connect(control).await {
        Ok(stream) => stream,
        Err(error) => {
            use io::ErrorKind::{ConnectionRefused, NotFound};
            let is_absent = matches!(error.kind(), ConnectionRefused | NotFound);
            return if is_absent { Ok(None) } else { Err(error) };
        }
    };
    let sockets = within(async {
        upgrade(&mut stream).await?;
        let Message::Sockets(keys) = receive(&mut stream).await? else {
            return Err(unexpected());
        };
        let fds = receive_sockets(&stream, keys.len()).await?;
        Ok(keys
            .into_iter()
            .zip(fds.into_iter().map(TcpListener::from))
            .collect())
    })
    .await?;
    Ok(Some(Inheritance { sockets, stream }))
}

impl Inheritance {
    /// Tells the predecessor that this process serves, and waits until the predecessor accepts no
    /// more.
    pub(crate) async fn commit(mut self) -> io::Result<Predecessor> {
        within(async {
            send(&mut self.stream, &Message::Ready).await?;
            match receive(&mut self.stream).await? {
                Message::Released => Ok(()),
                _ => Err(unexpected()),
            }
        })
        .await?;
        Ok(Predecessor {
            stream: self.stream,
        })
    }
}

impl Predecessor {
    /// Puts a snapshot in force for what it still serves.
    pub(super) async fn apply(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let message = Message::Snapshot(Box::new(snapshot.clone()));
        match self.ask(&message).await? {
            Message::InForce => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// What it has under way.
    pub(super) async fn status(&mut self) -> io::Result<ProxyStatus> {
        match self.ask(&Message::GetStatus).await? {
            Message::Status(status) => Ok(*status),
            _ => Err(unexpected()),
        }
    }

    async fn ask(&mut self, message: &Message) -> io::Result<Message> {
        within(async {
            send(&mut self.stream, message).await?;
            receive(&mut self.stream).await
        })
        .await
    }
}

async fn upgrade(stream: &mut UnixStream) -> io::Result<()> {
    let request = format!(
        "POST /takeover HTTP/1.1\r\nhost: landfall\r\nconnection: upgrade\r\nupgrade: {PROTOCOL}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    // Byte by byte: what follows the head is not ours to read, sockets come with it.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(unexpected());
        }
        head.push(stream.read_u8().await?);
    }
    if head.starts_with(b"HTTP/1.1 101") {
        Ok(())
    } else {
        let status =
            String::from_utf8_lossy(head.split(|&byte| byte == b'\r').next().unwrap_or_default())
                .into_owned();
        Err(io::Error::other(format!("the proxy refused: {status}")))
    }
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(ANSWER_WITHIN, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn unexpected() -> io::Error {
    io::Error::other("unexpected answer from the predecessor")
}
