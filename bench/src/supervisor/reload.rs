//! Reloads of a small Node.js app under load, and the requests that they cost.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use landfall_load::{Load, LoadReport};
use serde_json::{Value, json};

use super::Contest;
use crate::http;
use crate::load::steady;
use crate::report::{Report, Table, number};
use crate::stats::median;
use crate::wait::pause;

const RELOADS: usize = 3;
const UP_WITHIN: Duration = Duration::from_secs(60);
/// Load before and after, so that every loss belongs to a reload or stands out.
const MARGIN: Duration = Duration::from_secs(1);

struct Reloads {
    name: &'static str,
    requests: u64,
    failed: u64,
    seconds: Option<f64>,
}

pub(super) fn run(contest: &Contest<'_>, report: &mut Report) -> Result<()> {
    let all = [
        pm2(contest, "pm2 reload, fork mode", "fork", 1)?,
        pm2(contest, "pm2 reload, cluster mode of 2", "cluster", 2)?,
        landfall(contest)?,
    ];
    let mut table = Table::new(
        format!("{RELOADS} reloads under load"),
        &["", "requests", "lost", "seconds each"],
    );
    for reloads in &all {
        table.row([
            reloads.name.to_owned(),
            reloads.requests.to_string(),
            reloads.failed.to_string(),
            number(reloads.seconds, 2),
        ]);
    }
    report.table(table);
    report.data("reload", all.iter().map(Reloads::json).collect());
    Ok(())
}

impl Reloads {
    fn json(&self) -> Value {
        json!({ "name": self.name, "requests": self.requests, "failed": self.failed, "seconds": self.seconds })
    }
}

fn measure(
    name: &'static str,
    target: SocketAddr,
    reload: impl Fn() -> Result<()>,
) -> Result<Reloads> {
    http::wait_for_200(target, "/", UP_WITHIN)?;
    let load = Load::start(steady(target))?;
    pause(MARGIN);
    let mut times = Vec::new();
    for _ in 0..RELOADS {
        let began = Instant::now();
        reload()?;
        times.push(began.elapsed().as_secs_f64());
        pause(MARGIN);
    }
    let LoadReport {
        requests, failed, ..
    } = load.stop_blocking();
    Ok(Reloads {
        name,
        requests,
        failed,
        seconds: median(times),
    })
}

fn pm2(contest: &Contest<'_>, name: &'static str, mode: &str, instances: u32) -> Result<Reloads> {
    let pm2 = contest.pm2(&format!("pm2-{mode}"))?;
    let (file, address) = pm2.node_app(mode, instances)?;
    pm2.run(&["start", &file])?;
    let reloads = measure(name, address, || pm2.run(&["reload", "web"]))?;
    pm2.kill();
    Ok(reloads)
}

fn landfall(contest: &Contest<'_>) -> Result<Reloads> {
    let landfall = contest.landfall_with_node("web")?;
    landfall.run(&["deploy", "--yes"])?;
    let reloads = measure("landfall restart", landfall.http(), || {
        landfall.run(&["restart", "--yes"]).map(drop)
    })?;
    landfall.stop_everything()?;
    Ok(reloads)
}
