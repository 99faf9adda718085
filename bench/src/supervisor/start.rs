//! From the command to the first 200 of a small Node.js app, which is there and stopped.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::Contest;
use crate::http;
use crate::process::Server;
use crate::report::{Report, Table, number, ratio};
use crate::stats::median;

const ROUNDS: usize = 5;
const UP_WITHIN: Duration = Duration::from_secs(60);

pub(super) fn run(contest: &Contest<'_>, report: &mut Report) -> Result<()> {
    let pm2 = contest.pm2("pm2")?;
    pm2.run(&["ping"])?;
    let (file, pm2_address) = pm2.node_app("fork", 1)?;
    let landfall = contest.landfall_with_node("web")?;
    landfall.run(&["deploy", "--yes"])?;
    landfall.run(&["stop", "--yes"])?;

    let (mut bare, mut theirs, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..contest.options.rounds.unwrap_or(ROUNDS) {
        bare.push(bare_start(contest)?);

        let began = Instant::now();
        pm2.run(&["start", &file])?;
        http::wait_for_200(pm2_address, "/", UP_WITHIN)?;
        theirs.push(began.elapsed().as_secs_f64());
        pm2.run(&["delete", "web"])?;

        let began = Instant::now();
        landfall.run(&["start", "--yes"])?;
        http::wait_for_200(landfall.http(), "/", UP_WITHIN)?;
        ours.push(began.elapsed().as_secs_f64());
        landfall.run(&["stop", "--yes"])?;
    }
    pm2.kill();
    landfall.stop_everything()?;

    let [bare, theirs, ours] = [bare, theirs, ours].map(median);
    let mut table = Table::new(
        "from the command to the first 200, seconds (medians)",
        &["", "first 200", "beyond node alone"],
    );
    let beyond = |time: Option<f64>| Some(time? - bare?);
    let ms = |time| number(time, 3);
    table.row(["node alone".into(), ms(bare), ms(beyond(bare))]);
    table.row(["pm2 start".into(), ms(theirs), ms(beyond(theirs))]);
    table.row(["landfall start".into(), ms(ours), ms(beyond(ours))]);
    table.row([
        "PM2 / landfall".into(),
        ratio(theirs, ours),
        ratio(beyond(theirs), beyond(ours)),
    ]);
    report.table(table);
    report.note("landfall's first 200 is one through its proxy, after readiness was proven and the start journaled");
    report.data(
        "start",
        json!({ "node_s": bare, "pm2_s": theirs, "landfall_s": ours }),
    );
    Ok(())
}

fn bare_start(contest: &Contest<'_>) -> Result<f64> {
    let dir = contest.place.dir("bare")?;
    let address = http::free_address()?;
    let script = dir.join("app.js");
    std::fs::write(&script, crate::apps::NODE)?;
    let began = Instant::now();
    let mut command = Command::new("node");
    command.arg(&script).env("PORT", address.port().to_string());
    let _server = Server::start(command, &dir.join("output"))?;
    http::wait_for_200(address, "/", UP_WITHIN)?;
    Ok(began.elapsed().as_secs_f64())
}
