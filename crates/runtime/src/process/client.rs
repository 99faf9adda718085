//! Talking to a shim over its control socket.

use std::fs::File;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::identity::is_same_process;
use super::shims;
use crate::protocol::{Reply, Request};
use crate::record::InstanceDir;
use crate::shim::socket_path;
use crate::{InstanceState, InstanceStatus, lock};

/// How long a shim may take to answer: it is one loop that waits for nothing but a slow disk.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A connection to a shim.
#[derive(Debug)]
pub(super) struct Client {
    lines: Lines<BufReader<UnixStream>>,
}

/// A status and whether the instance is being stopped for good.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: InstanceStatus,
    pub stopping: bool,
}

impl Client {
    /// Connects and sends one request.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn send(dir: &InstanceDir, request: &Request) -> io::Result<Self> {
        // Open while connecting, because the address leads through it.
        let opened = File::open(dir.path())?;
        let mut stream = UnixStream::connect(socket_path(&opened)).await?;
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        Ok(Self {
            lines: BufReader::new(stream).lines(),
        })
    }

    /// The reply to the request, in bounded time.
    ///
    /// # Errors
    /// When the shim refuses, is silent for too long, or is gone.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let answer = timeout(ANSWER_WITHIN, self.next()).await;
        answer
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// The next reply, whenever it comes; `None` when the shim has ended.
    ///
    /// # Errors
    /// When the shim refuses or says what is no reply.
    pub async fn next(&mut self) -> io::Result<Option<Answer>> {
        let Some(line) = self.lines.next_line().await? else {
            return Ok(None);
        };
        match serde_json::from_str(&line)? {
            Reply::Status { status, stopping } => Ok(Some(Answer {
                status: *status,
                stopping,
            })),
            Reply::Error(message) => Err(io::Error::other(message)),
        }
    }

    /// Waits until the shim has ended.
    pub async fn ended(&mut self) {
        while let Ok(Some(_)) = self.next().await {}
    }
}

/// Asks a shim what its instance is.
pub(super) async fn ask(dir: &InstanceDir) -> io::Result<Answer> {
    Client::send(dir, &Request::Status).await?.answer().await
}

/// Whether a shim lives: it holds the lock, or, where someone has removed or replaced the directory
/// under it, it is at least still there.
pub(super) fn has_shim(dir: &InstanceDir) -> io::Result<bool> {
    match lock::is_held(dir.path()) {
        Ok(true) => return Ok(true),
        Ok(false) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(shims::serves(dir.path()));
        }
        Err(error) => return Err(error),
    }
    match dir.read_record() {
        Ok(record) if record.status.state == InstanceState::Exited => Ok(false),
        Ok(record) => Ok(is_same_process(&record.shim)),
        Err(_) => Ok(shims::serves(dir.path())),
    }
}

/// Whether nothing is known of an instance at all.
pub(super) fn is_unknown(dir: &InstanceDir) -> bool {
    !dir.path().is_dir() && !shims::serves(dir.path())
}
