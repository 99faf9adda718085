//! The whole deploy of a changed component, under load: `landfall deploy`, and `rsync` with
//! `pm2 reload`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use landfall_load::{Load, LoadPlan};
use serde_json::json;

use super::Contest;
use super::pm2::Pm2;
use super::shop::Shop;
use super::versions::Tree;
use crate::http;
use crate::report::{Report, Table, number, ratio};
use crate::stats::median;
use crate::wait::{pause, wait_for};

const ROUNDS: usize = 5;
const UP_WITHIN: Duration = Duration::from_secs(60);
/// Load before and after, so that every loss belongs to the deploy.
const MARGIN: Duration = Duration::from_secs(2);
/// Where Landfall's proxy listens.
const HTTP: u16 = 80;
/// The version that the changed component says.
const NEW: &str = "v2";

/// What one deploy took.
struct Cut {
    requests: u64,
    lost: u64,
    /// From the command to the first answer of the new version, in seconds.
    new_after: f64,
    /// Of the command, in seconds.
    command: f64,
    /// Its steps and their seconds, where it tells them.
    steps: Vec<(String, f64)>,
}

/// The ways, in the order in which they are measured.
const WAYS: [&str; 3] = [
    "landfall deploy",
    "rsync, pm2 reload, fork mode",
    "rsync, pm2 reload, cluster of 2",
];

pub(super) fn run(contest: &Contest<'_>, report: &mut Report) -> Result<()> {
    let mut cuts: [Vec<Cut>; 3] = Default::default();
    for _ in 0..contest.options.rounds.unwrap_or(ROUNDS) {
        cuts[0].push(ours(contest).context(WAYS[0])?);
        cuts[1].push(pm2(contest, 0).context(WAYS[1])?);
        cuts[2].push(pm2(contest, 2).context(WAYS[2])?);
    }
    add(report, &cuts);
    Ok(())
}

fn ours(contest: &Contest<'_>) -> Result<Cut> {
    let shop = Shop::deployed(contest, Tree::First)?;
    shop.change(Tree::Second)?;
    let cut = over(contest.site.at(HTTP), || shop.deploy())?;
    shop.remove()?;
    Ok(cut)
}

fn pm2(contest: &Contest<'_>, instances: u32) -> Result<Cut> {
    let pm2 = Pm2::started(contest, Tree::First, instances)?;
    let cut = over(pm2.address(), || {
        pm2.deploy(Tree::Second)?;
        Ok(Vec::new())
    })?;
    pm2.remove()?;
    Ok(cut)
}

/// Deploys under load.
fn over(address: SocketAddr, deploy: impl FnOnce() -> Result<Vec<(String, f64)>>) -> Result<Cut> {
    http::wait_for_200(address, "/", UP_WITHIN)?;
    let load = Load::start(visitors(address))?;
    pause(MARGIN);
    let began = Instant::now();
    let steps = deploy()?;
    let command = began.elapsed().as_secs_f64();
    wait_for(UP_WITHIN, "the new version", || {
        let (_, text) = http::text(address, "/api/version").ok()?;
        text.contains(&format!("\"{NEW}\"")).then_some(())
    })?;
    pause(MARGIN);
    let report = load.stop_blocking();
    let new = report.by_version.get(NEW);
    let new = new.context("the load never met the new version")?.first;
    Ok(Cut {
        requests: report.requests,
        lost: report.failed + report.app_errors,
        new_after: new.as_secs_f64() - (began - report.began).as_secs_f64(),
        command,
        steps,
    })
}

/// What a page server of two shared cores can answer while another one starts: 100 requests a
/// second, half of them on new connections.
fn visitors(target: SocketAddr) -> LoadPlan {
    LoadPlan {
        keep_alive: 5,
        new_connections: 5,
        pace: 10.0,
        paths: vec!["/".into(), "/api/version".into()],
        ..LoadPlan::idle(target, "shop.test")
    }
}

fn add(report: &mut Report, all: &[Vec<Cut>; 3]) {
    let heads = [
        "",
        "requests",
        "lost",
        "new after, s",
        "to Landfall's",
        "command, s",
        "to Landfall's",
    ];
    let title = format!(
        "deploys of one changed component: {} of each (medians)",
        all[0].len()
    );
    let mut table = Table::new(title, &heads);
    let of = |way: usize, of: &dyn Fn(&Cut) -> f64| median(all[way].iter().map(of));
    let new_after = |way| of(way, &|cut| cut.new_after);
    let command = |way| of(way, &|cut| cut.command);
    for (way, (name, cuts)) in WAYS.iter().zip(all).enumerate() {
        table.row([
            (*name).to_owned(),
            cuts.iter().map(|cut| cut.requests).sum::<u64>().to_string(),
            cuts.iter().map(|cut| cut.lost).sum::<u64>().to_string(),
            number(new_after(way), 2),
            ratio(new_after(way), new_after(0)),
            number(command(way), 2),
            ratio(command(way), command(0)),
        ]);
        let data = json!({
            "requests": cuts.iter().map(|cut| cut.requests).collect::<Vec<_>>(),
            "lost": cuts.iter().map(|cut| cut.lost).collect::<Vec<_>>(),
            "new_after": cuts.iter().map(|cut| cut.new_after).collect::<Vec<_>>(),
            "command": cuts.iter().map(|cut| cut.command).collect::<Vec<_>>(),
        });
        report.data(*name, data);
    }
    report.table(table);
    add_steps(report, &all[0]);
    report.note("new after: from the command to the first answer of the new version");
    report.note("landfall's load goes through its proxy, PM2's straight to the app");
}

fn add_steps(report: &mut Report, cuts: &[Cut]) {
    let mut table = Table::new(
        "where landfall deploy's time goes, s (medians)",
        &["until the end of", "s"],
    );
    for (name, _) in cuts.first().map_or(&[][..], |cut| &cut.steps) {
        let steps = cuts.iter().flat_map(|cut| &cut.steps);
        let seconds = median(steps.filter(|step| step.0 == *name).map(|step| step.1));
        table.row([name.clone(), number(seconds, 2)]);
    }
    report.table(table);
}
