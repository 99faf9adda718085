//! The control socket of an instance: who is connected, what they asked. Owns `control.sock`; it
//! decides nothing.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use rustix::fs::Mode;

use crate::protocol::{MAX_REQUEST, Reply, Request, SOCKET};

/// Connections that are served at once; more are turned away. The agent needs a handful.
const MAX_CONNECTIONS: usize = 32;

/// The listening socket and its connections.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    /// Device and inode of the socket file, by which a stranger's is told.
    file: (u64, u64),
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    received: Vec<u8>,
    watches: bool,
    is_closed: bool,
}

/// The socket's path by way of the open directory: a path of its own could be longer than the 107
/// bytes that a socket address holds.
pub(crate) fn socket_path(dir: &impl AsRawFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", dir.as_raw_fd()))
}

impl Control {
    /// Listens in the instance's directory, which is given open. What lies there under the
    /// socket's name is stale: only the holder of the lock gets here.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn bind(dir: &impl AsRawFd) -> io::Result<Self> {
        let (listener, file) = listen(dir)?;
        Ok(Self {
            listener,
            file,
            connections: Vec::new(),
        })
    }

    /// Listens again when the socket file is gone or is not ours. Connections stay.
    pub fn repair(&mut self, dir: &impl AsRawFd) -> io::Result<bool> {
        if file_id(dir).is_ok_and(|file| file == self.file) {
            return Ok(false);
        }
        (self.listener, self.file) = listen(dir)?;
        Ok(true)
    }

    /// The descriptors to wait for.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.listener.as_fd())
            .chain(self.connections.iter().map(|c| c.stream.as_fd()))
    }

    /// Takes new connections and reads from the old ones. Gives complete requests, each with the
    /// number of its connection, which holds until the next call.
    pub fn receive(&mut self) -> Vec<(usize, Result<Request, String>)> {
        self.connections.retain(|connection| !connection.is_closed);
        while let Ok((stream, _)) = self.listener.accept() {
            if self.connections.len() < MAX_CONNECTIONS && stream.set_nonblocking(true).is_ok() {
                let received = Vec::new();
                self.connections.push(Connection {
                    stream,
                    received,
                    watches: false,
                    is_closed: false,
                });
            }
        }
        let mut requests = Vec::new();
        for (number, connection) in self.connections.iter_mut().enumerate() {
            connection.receive(number, &mut requests);
        }
        requests
    }

    /// Answers one connection.
    pub fn reply(&mut self, number: usize, reply: &Reply) {
        if let Some(connection) = self.connections.get_mut(number) {
            connection.send(reply);
        }
    }

    /// From now on this connection gets every change.
    pub fn watch(&mut self, number: usize) {
        if let Some(connection) = self.connections.get_mut(number) {
            connection.watches = true;
        }
    }

    /// Tells all who watch.
    pub fn publish(&mut self, reply: &Reply) {
        for connection in self
            .connections
            .iter_mut()
            .filter(|connection| connection.watches)
        {
            connection.send(reply);
        }
    }
}

impl Connection {
    fn receive(&mut self, number: usize, requests: &mut Vec<(usize, Result<Request, String>)>) {
        let mut block = [0; 512];
        while !self.is_closed {
            match self.stream.read(&mut block) {
                Ok(0) => self.is_closed = true,
                Ok(read) => self.received.extend_from_slice(&block[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.is_closed = true,
            }
            if self.received.len() > MAX_REQUEST {
                self.is_closed = true;
            }
        }
        while let Some(end) = self.received.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            let request = serde_json::from_slice(&line).map_err(|error| error.to_string());
            requests.push((number, request));
        }
    }

    /// Sends a line. Who does not read is let go, rather than waited for.
    fn send(&mut self, reply: &Reply) {
        let Ok(mut line) = serde_json::to_vec(reply) else {
            return;
        };
        line.push(b'\n');
        if !matches!(self.stream.write(&line), Ok(sent) if sent == line.len()) {
            self.is_closed = true;
            let _ = self.stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn listen(dir: &impl AsRawFd) -> io::Result<(UnixListener, (u64, u64))> {
    let path = socket_path(dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Never open to others, not even between its making and its chmod.
    let mask = rustix::process::umask(Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(&path);
    rustix::process::umask(mask);
    let listener = listener?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok((listener, file_id(dir)?))
}

fn file_id(dir: &impl AsRawFd) -> io::Result<(u64, u64)> {
    let data = std::fs::symlink_metadata(socket_path(dir))?;
    Ok((data.dev(), data.ino()))
}
