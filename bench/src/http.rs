//! The little HTTP that benchmarks speak themselves; load is made by load generators.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A loopback address that nobody listens on at this moment.
///
/// # Errors
/// When no port is free.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("failed to find a free port")?;
    Ok(listener.local_addr()?)
}

/// Status and length of the body of an answer to GET.
///
/// # Errors
/// When there is none.
pub fn get(address: SocketAddr, path: &str) -> Result<(u16, usize)> {
    let (status, body) = text(address, path)?;
    Ok((status, body.len()))
}

/// Status and body of an answer to GET.
///
/// # Errors
/// When there is none.
pub fn text(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    exchange(stream, "GET", path, "")
}

/// Waits for the first 200.
///
/// # Errors
/// When it does not come.
pub fn wait_for_200(address: SocketAddr, path: &str, within: Duration) -> Result<usize> {
    let look = || match get(address, path) {
        Ok((200, length)) => Some(length),
        _ => None,
    };
    wait_for(within, &format!("a 200 from {address}{path}"), look)
}

/// Sends a document to a unix socket with PUT.
///
/// # Errors
/// When the answer is not 200.
pub fn put(socket: &Path, path: &str, body: &str) -> Result<()> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    match exchange(stream, "PUT", path, body)? {
        (200, _) => Ok(()),
        (status, _) => bail!("PUT {path} was answered with {status}"),
    }
}

fn exchange(
    mut stream: impl Read + Write,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, String)> {
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: bench.test\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let head = head.context("the answer has no end of head")?;
    let status = std::str::from_utf8(answer.get(9..12).unwrap_or_default())?;
    let body = String::from_utf8_lossy(&answer[head + 4..]);
    Ok((status.parse()?, body.into_owned()))
}
