//! One proxy under one load, once.

use std::time::Instant;

use anyhow::Result;

use super::cases::Case;
use super::peers::Peers;
use super::wrk::{self, Seen};
use crate::cpu;

/// What came of it.
#[derive(Debug)]
pub struct Round {
    /// Which proxy.
    pub peer: usize,
    /// Which load.
    pub case: &'static str,
    /// What the load generator saw.
    pub seen: Seen,
    /// Processor time of the proxy per request, in microseconds.
    pub cpu_us: f64,
    /// Share of one core that the proxy used.
    pub proxy_busy: f64,
    /// Share of all cores that was used by what has nothing to do with the benchmark.
    pub foreign: f64,
}

impl Round {
    /// Measures.
    ///
    /// # Errors
    /// When the load cannot be made.
    pub fn measure(peers: &Peers, peer: usize, case: &Case) -> Result<Self> {
        let proxy = peers.pids(peer);
        let upstream = peers.upstream_pids();
        let before = (
            cpu::of_processes(&proxy),
            cpu::of_processes(&upstream),
            cpu::of_ended_children(),
        );
        let watch = cpu::Watch::start();
        let began = Instant::now();
        let seen = wrk::load(peers.address(peer), case)?;
        let lasted = began.elapsed();
        let by_proxy = cpu::of_processes(&proxy).saturating_sub(before.0);
        let by_upstream = cpu::of_processes(&upstream).saturating_sub(before.1);
        let by_load = cpu::of_ended_children().saturating_sub(before.2);
        Ok(Self {
            peer,
            case: case.name,
            seen,
            cpu_us: by_proxy.as_secs_f64() * 1e6 / seen.requests.max(1.0),
            proxy_busy: by_proxy.as_secs_f64() / lasted.as_secs_f64(),
            foreign: watch.foreign(by_proxy + by_upstream + by_load),
        })
    }
}
