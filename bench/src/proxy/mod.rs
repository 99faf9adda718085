//! The proxy on one core against nginx and haproxy on the same core.
//!
//! Core 0 belongs to the proxy under test, with one worker; the upstream (an nginx) and the load
//! (wrk) share the others. All proxies are up for the whole run and are loaded in turns.

mod cases;
mod peers;
mod round;
mod summary;
mod wrk;

use anyhow::{Result, ensure};

use crate::http;
use crate::machine;
use crate::options::Options;
use crate::process::Workplace;
use crate::report::Report;

use cases::CASES;
use peers::Peers;
use round::Round;

/// The core of the proxy under test.
const PROXY_CORE: &str = "0";
/// Rounds where nobody says how many: with six cases, three proxies and three seconds each below
/// four minutes.
const ROUNDS: usize = 3;

/// Runs the benchmark.
///
/// # Errors
/// When a program is missing or a proxy does not answer as it should.
pub fn run(options: &Options) -> Result<Report> {
    ensure!(
        machine::cores() >= 2,
        "two cores are needed: one for the proxy, one for the load"
    );
    let place = Workplace::new()?;
    let peers = Peers::start(&place, options)?;
    let cases: Vec<_> = CASES
        .iter()
        .filter(|case| case.name.contains(&options.only))
        .collect();
    for case in &cases {
        for (name, address) in peers.addresses() {
            let (status, length) = http::get(address, case.path())?;
            ensure!(
                (status, length) == (200, case.bytes),
                "{name} answered {status} with {length} bytes to {}",
                case.path()
            );
        }
    }
    let mut rounds = Vec::new();
    for number in 0..options.rounds.unwrap_or(ROUNDS) {
        for case in &cases {
            for peer in 0..peers.count() {
                // Whoever comes first in one round comes last in another.
                let peer = (peer + number) % peers.count();
                rounds.push(Round::measure(&peers, peer, case)?);
            }
        }
    }
    Ok(summary::report(&cases, &peers, &rounds, options))
}

/// The cores of upstream and load.
fn other_cores() -> String {
    match machine::cores() {
        0..=2 => "1".to_owned(),
        cores => format!("1-{}", cores - 1),
    }
}
