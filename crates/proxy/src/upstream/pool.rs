//! A worker's idle connections to instances.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::conn::Buf;
use crate::limits::Limits;

/// A connection to an instance.
#[derive(Debug)]
pub(crate) struct UpstreamConn {
    /// The stream.
    pub(crate) io: TcpStream,
    /// What came from the instance and is not used yet.
    pub(crate) buf: Buf,
    /// Whether it has served a request before.
    pub(crate) is_reused: bool,
    /// How long the instance said that it keeps the connection.
    pub(crate) kept_for: Option<Duration>,
    parked: Instant,
}

/// Idle connections by [`crate::routing::Instance::key`].
#[derive(Debug, Default)]
pub(crate) struct Pool {
    idle: RefCell<HashMap<u64, Vec<UpstreamConn>>>,
}

impl UpstreamConn {
    /// Connects within `limit`. A timeout is [`io::ErrorKind::TimedOut`].
    pub(crate) async fn connect(address: SocketAddr, limit: Duration) -> io::Result<Self> {
        let io = tokio::time::timeout(limit, TcpStream::connect(address))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        io.set_nodelay(true)?;
        Ok(Self {
            io,
            buf: Buf::default(),
            is_reused: false,
            kept_for: None,
            parked: Instant::now(),
        })
    }

    /// Whether it rested for less than `age`, and for a second less than the instance keeps it.
    fn is_younger_than(&self, age: Duration, now: Instant) -> bool {
        let rested = now.saturating_duration_since(self.parked);
        let kept_for = self.kept_for.unwrap_or(Duration::MAX);
        rested < age && rested < kept_for.saturating_sub(Duration::from_secs(1))
    }

    /// Whether the instance has neither closed it nor sent anything unasked. Costs no system call
    /// unless something arrived.
    fn is_quiet(&self) -> bool {
        let mut byte = [0];
        matches!(self.io.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl Pool {
    /// The connection used last, if one rested for less than `age` and is still good.
    pub(crate) fn take(&self, key: u64, age: Duration) -> Option<UpstreamConn> {
        let mut idle = self.idle.borrow_mut();
        let list = idle.get_mut(&key)?;
        let now = Instant::now();
        while let Some(conn) = list.pop() {
            if !conn.is_younger_than(age, now) {
                // The others rested even longer, and may do for a request that can be repeated.
                list.push(conn);
                return None;
            }
            if conn.is_quiet() {
                return Some(conn);
            }
        }
        None
    }

    /// Keeps a connection for reuse.
    pub(crate) fn park(&self, key: u64, mut conn: UpstreamConn, limits: &Limits) {
        conn.is_reused = true;
        conn.parked = Instant::now();
        let mut idle = self.idle.borrow_mut();
        let list = idle.entry(key).or_default();
        if list.len() < limits.pool_size {
            list.push(conn);
        }
    }

    /// Closes connections that rested too long, and those to instances that are gone.
    pub(crate) fn sweep(&self, limits: &Limits, is_current: impl Fn(u64) -> bool) {
        let now = Instant::now();
        self.idle.borrow_mut().retain(|&key, list| {
            if !is_current(key) {
                return false;
            }
            list.retain(|conn| conn.is_younger_than(limits.pool_idle, now) && conn.is_quiet());
            !list.is_empty()
        });
    }
}
