//! The supervisor is killed under load: what becomes of the app, and of its requests.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use landfall_load::Load;
use serde_json::{Value, json};

use super::Contest;
use super::pm2::Pm2;
use crate::http;
use crate::landfall::{Landfall, Own};
use crate::load::steady;
use crate::process::kill;
use crate::report::{Report, Table};
use crate::wait::{pause, wait_for};

const UP_WITHIN: Duration = Duration::from_secs(60);
/// Long enough for every supervisor to notice and to repair what it can.
const WATCHED: Duration = Duration::from_secs(8);
const LOSSES_SHOWN: usize = 5;
const BEFORE: Duration = Duration::from_secs(1);

struct Killed {
    name: &'static str,
    requests: u64,
    failed: u64,
    serves: bool,
    supervised: bool,
    back: Option<f64>,
    /// The first requests that were lost, for a person.
    losses: Vec<String>,
}

pub(super) fn run(contest: &Contest<'_>, report: &mut Report) -> Result<()> {
    let mut all = vec![
        pm2(contest, "PM2's daemon, fork mode", "fork")?,
        pm2(contest, "PM2's daemon, cluster mode", "cluster")?,
    ];
    let landfall = contest.landfall_with_node("web")?;
    landfall.run(&["deploy", "--yes"])?;
    let of_agent = |own: Own| own.agent;
    let of_proxy = |own: Own| own.proxy;
    all.push(ours(contest, &landfall, "landfall's agent", of_agent)?);
    all.push(ours(contest, &landfall, "landfall's proxy", of_proxy)?);
    landfall.stop_everything()?;

    let mut table = Table::new(
        format!(
            "kill -9 under load, and the {} s after it",
            WATCHED.as_secs()
        ),
        &[
            "",
            "requests",
            "lost",
            "app answers",
            "supervised",
            "back after s",
        ],
    );
    let word = |is: bool| if is { "yes" } else { "no" }.to_owned();
    for killed in &all {
        table.row([
            killed.name.to_owned(),
            killed.requests.to_string(),
            killed.failed.to_string(),
            word(killed.serves),
            word(killed.supervised),
            killed
                .back
                .map_or("never".into(), |back| format!("{back:.2}")),
        ]);
    }
    report.table(table);
    report.data("killed", all.iter().map(Killed::json).collect());
    Ok(())
}

impl Killed {
    fn json(&self) -> Value {
        json!({
            "name": self.name, "requests": self.requests, "failed": self.failed, "app_answers": self.serves,
            "supervised": self.supervised, "back_after_s": self.back, "first_losses": self.losses,
        })
    }
}

/// Kills a process under load and watches. `is_back` tells whether another has taken its place.
fn measure(
    name: &'static str,
    target: SocketAddr,
    victim: u32,
    is_back: impl Fn() -> bool,
) -> Result<Killed> {
    http::wait_for_200(target, "/", UP_WITHIN)?;
    let load = Load::start(steady(target))?;
    pause(BEFORE);
    let began = Instant::now();
    kill(victim, |_| true);
    let back = wait_for(WATCHED, "its return", || is_back().then(|| began.elapsed())).ok();
    pause(WATCHED.saturating_sub(began.elapsed()));
    let serves = http::get(target, "/").is_ok_and(|(status, _)| status == 200);
    let report = load.stop_blocking();
    Ok(Killed {
        name,
        requests: report.requests,
        failed: report.failed,
        serves,
        supervised: back.is_some(),
        back: back.map(|time| time.as_secs_f64()),
        losses: report
            .failures()
            .take(LOSSES_SHOWN)
            .map(|record| report.describe(record))
            .collect(),
    })
}

fn pm2(contest: &Contest<'_>, name: &'static str, mode: &str) -> Result<Killed> {
    let pm2 = contest.pm2(&format!("pm2-{mode}"))?;
    let (file, address) = pm2.node_app(mode, 1)?;
    pm2.run(&["start", &file])?;
    let daemon = pm2.daemon()?;
    // Asking with a command would start another daemon.
    let is_back = |pm2: &Pm2| pm2.daemon().is_ok_and(|pid| pid != daemon);
    let killed = measure(name, address, daemon, || is_back(&pm2))?;
    pm2.kill();
    Ok(killed)
}

fn ours(
    contest: &Contest<'_>,
    landfall: &Landfall,
    name: &'static str,
    part: fn(Own) -> Vec<u32>,
) -> Result<Killed> {
    let pids = || part(landfall.own(&contest.place));
    let victim = *pids().first().context("it does not run")?;
    let is_back = || pids().iter().any(|pid| *pid != victim);
    measure(name, landfall.http(), victim, is_back)
}
