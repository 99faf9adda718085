//! What predecessor and successor say to each other, on the control socket after its upgrade.
//!
//! Messages are JSON behind their length as four bytes, big end first. Sockets travel as SCM_RIGHTS
//! with single bytes behind the message that lists them.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd};

use landfall_model::snapshot::{ProxyStatus, Snapshot};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;

use crate::listeners::Kind;

/// The protocol's name in the Upgrade header.
pub(super) const PROTOCOL: &str = "landfall-takeover-1";
/// Sockets per system call; the kernel's limit is 253.
const BATCH: usize = 64;
/// Longest message: a snapshot of a large server is far smaller.
const MAX_MESSAGE: u32 = 256 << 20;

/// A message.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message {
    /// Predecessor: these sockets follow, in this order.
    Sockets(Vec<(Kind, SocketAddr)>),
    /// Successor: it accepts connections.
    Ready,
    /// Predecessor: it accepts no more.
    Released,
    /// Successor: put this in force for what you still serve.
    Snapshot(Box<Snapshot>),
    /// Predecessor: done.
    InForce,
    /// Successor: what is under way?
    GetStatus,
    /// Predecessor: this.
    Status(Box<ProxyStatus>),
}

pub(super) async fn send(stream: &mut UnixStream, message: &Message) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(&body).await
}

pub(super) async fn receive(stream: &mut UnixStream) -> io::Result<Message> {
    let length = stream.read_u32().await?;
    if length > MAX_MESSAGE {
        return Err(io::Error::other("message too long"));
    }
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).await?;
    Ok(serde_json::from_slice(&body)?)
}

pub(super) async fn send_sockets(stream: &UnixStream, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    for batch in fds.chunks(BATCH) {
        loop {
            stream.writable().await?;
            match stream.try_io(Interest::WRITABLE, || send_batch(stream, batch)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => break result?,
            }
        }
    }
    Ok(())
}

fn send_batch(stream: &UnixStream, batch: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(batch)) {
        return Err(io::Error::other("too many sockets for one message"));
    }
    let byte = [IoSlice::new(&[0])];
    rustix::net::sendmsg(stream, &byte, &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

pub(super) async fn receive_sockets(stream: &UnixStream, count: usize) -> io::Result<Vec<OwnedFd>> {
    let mut fds = Vec::with_capacity(count);
    while fds.len() < count {
        stream.readable().await?;
        match stream.try_io(Interest::READABLE, || receive_batch(stream, &mut fds)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => result?,
        }
    }
    Ok(fds)
}

fn receive_batch(stream: &UnixStream, fds: &mut Vec<OwnedFd>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received = rustix::net::recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut byte)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let before = fds.len();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    if received.bytes == 0 || fds.len() == before {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
