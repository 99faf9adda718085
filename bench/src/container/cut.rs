//! One cut-over, and what those who asked meanwhile met.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use landfall_load::{Load, LoadReport, Outcome};

use super::ways::Way;
use crate::http;
use crate::load::steady;
use crate::wait::{pause, wait_for};

const UP_WITHIN: Duration = Duration::from_secs(60);
/// Load before and after, so that every loss belongs to the cut-over.
const MARGIN: Duration = Duration::from_secs(1);

/// What one cut-over took.
#[derive(Debug, Clone)]
pub struct Cut {
    /// All requests of the load.
    pub requests: u64,
    /// Those that were not answered completely, or with an error.
    pub lost: u64,
    /// Longest time between two good answers, in seconds.
    pub gap: f64,
    /// From the command to the first answer of the new version, in seconds.
    pub new_after: f64,
    /// Of the command, in seconds.
    pub command: f64,
    /// Its steps and their seconds, where it tells them.
    pub steps: Vec<(String, f64)>,
}

/// Brings a version under load.
///
/// # Errors
/// When that fails, or the version does not come to answer.
pub fn over(way: &mut dyn Way, version: usize) -> Result<Cut> {
    let load = Load::start(steady(way.address()))?;
    pause(MARGIN);
    let began = Instant::now();
    let steps = way.bring(version)?;
    let command = began.elapsed().as_secs_f64();
    wait_for_version(way.address(), version)?;
    pause(MARGIN);
    let report = load.stop_blocking();
    let new = report.by_version.get(&version_name(version));
    let new = new.context("the load never met the new version")?.first;
    Ok(Cut {
        requests: report.requests,
        lost: report.failed + report.app_errors,
        gap: longest_gap(&report),
        new_after: new.as_secs_f64() - (began - report.began).as_secs_f64(),
        command,
        steps,
    })
}

/// Waits until a version answers.
///
/// # Errors
/// When it does not come.
pub fn wait_for_version(address: SocketAddr, version: usize) -> Result<()> {
    let wanted = version_name(version);
    let look = || match http::text(address, "/version") {
        Ok((200, text)) => (text == wanted).then_some(()),
        _ => None,
    };
    wait_for(UP_WITHIN, &format!("{wanted} from {address}"), look)
}

/// How a version calls itself.
pub fn version_name(version: usize) -> String {
    format!("v{version}")
}

fn longest_gap(report: &LoadReport) -> f64 {
    let is_good = |outcome: Outcome| !outcome.is_failure() && !outcome.is_app_error();
    let good = report.records.iter().filter(|one| is_good(one.outcome));
    let ends: Vec<Duration> = good.map(|one| one.ended).collect();
    let gaps = ends.windows(2).map(|two| two[1].saturating_sub(two[0]));
    gaps.max().unwrap_or(report.lasted).as_secs_f64()
}
