//! How much and how long: every limit of the proxy in one place.

use std::time::Duration;

use crate::http1::HeadLimits;

/// Limits of the data plane. The defaults suit a public web server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Size of a request head. 64 KiB leaves room for large cookies.
    pub head: HeadLimits,
    /// Bytes of a request body. Large enough for any upload; it only stops a runaway.
    pub body: u64,
    /// From the first byte of a head (or the connection's start) to its last: stops slow senders.
    pub head_time: Duration,
    /// How long a connection may rest between two requests.
    pub keep_alive: Duration,
    /// How long a client may send nothing of its body, or read nothing of ours.
    pub client_idle: Duration,
    /// For a connection to an instance.
    pub connect: Duration,
    /// From the whole request sent to the head of the answer.
    pub response_head: Duration,
    /// How long an instance may send nothing in the middle of an answer.
    pub upstream_idle: Duration,
    /// How long a tunnel lives on without traffic after one side has ended.
    pub half_closed: Duration,
    /// How long unread bytes of a client are discarded before a close, so that the answer is not
    /// lost to a reset.
    pub linger: Duration,
    /// How long an idle connection to an instance is kept. Below what common servers use.
    pub pool_idle: Duration,
    /// A request that cannot be repeated only uses a pooled connection that rested for less than
    /// this: no common server closes idle connections sooner, so it cannot meet a closing one.
    pub pool_fresh: Duration,
    /// Idle connections kept per instance and worker.
    pub pool_size: usize,
    /// How long a layer 4 connection waits for an instance to appear.
    pub layer4_wait: Duration,
    /// After a stop is asked for: how long clients are told to close before idle connections are.
    pub lame_duck: Duration,
    /// After that: how long requests and streams may go on.
    pub drain: Duration,
    /// How long the streams of a predecessor may go on after a take-over.
    pub takeover_drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: HeadLimits {
                bytes: 64 * 1024,
                fields: 100,
            },
            body: 64 << 30,
            head_time: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            client_idle: Duration::from_secs(60),
            connect: Duration::from_secs(5),
            response_head: Duration::from_secs(300),
            upstream_idle: Duration::from_secs(600),
            half_closed: Duration::from_secs(60),
            linger: Duration::from_secs(2),
            pool_idle: Duration::from_secs(30),
            pool_fresh: Duration::from_secs(1),
            pool_size: 1024,
            layer4_wait: Duration::from_secs(5),
            lame_duck: Duration::from_secs(3),
            drain: Duration::from_secs(30),
            takeover_drain: Duration::from_secs(3600),
        }
    }
}
