//! Bringing an image to a server that has the version before it: Landfall's content stores, a
//! registry, and `docker save | docker load`.
//!
//! Two engines with data of their own, so that the server lacks what is new. Its images of a round
//! are removed before the next way is measured; the version before stays. What travels is counted
//! where it passes.

mod landfall;
mod project;
mod sides;
mod ways;

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::options::Options;
use crate::process::Workplace;
use crate::report::{Report, Table, number, ratio};
use crate::stats::median;
use project::{CASES, Project};
use sides::Sides;

const ROUNDS: usize = 3;
/// A megabyte, as networks count.
const MB: f64 = 1e6;

/// What one way took for one image.
#[derive(Debug, Clone, Copy)]
struct Trip {
    bytes: u64,
    time: Duration,
}

/// The ways, in the order in which they are measured.
const WAYS: [&str; 3] = ["Landfall", "docker push + pull", "docker save | load"];

/// Runs the benchmark.
///
/// # Errors
/// When an engine or the registry fails.
pub fn run(options: &Options) -> Result<Report> {
    let place = Workplace::new()?;
    let mut report = Report::new("image");
    for case in CASES
        .iter()
        .filter(|case| case.name.contains(&options.only))
    {
        let sides = Sides::start(&place, case.key)?;
        let project = Project::new(&place, case)?;
        let landfall = landfall::Stores::new(&place, case.key)?;
        let first = sides.build(&project, 0)?;
        // All have brought the first version before: how a server is after a deployment.
        ways::save_and_load(&sides, &first)?;
        ways::push(&sides, &first, 0)?;
        landfall.bring(&sides, &first, None)?;

        let mut trips: Vec<[Trip; 3]> = Vec::new();
        let mut stages = Vec::new();
        for round in 1..=options.rounds.unwrap_or(ROUNDS) {
            let image = sides.build(&project, round)?;
            let (ours, stage) = landfall.bring(&sides, &image, Some(&first))?;
            sides.forget_at_server(&image)?;
            let registry = ways::push_and_pull(&sides, &image, round)?;
            sides.forget_at_server(&image)?;
            let piped = ways::save_and_load(&sides, &image)?;
            sides.forget_at_server(&image)?;
            trips.push([ours, registry, piped]);
            stages.push(stage);
        }
        add(&mut report, case.name, &trips, &stages);
    }
    report.note("bytes: what leaves the sender, and for Landfall what the server asks with; a registry's are those to it and those from it");
    report.note("seconds: from the image in one engine to the same image in the other");
    report.note("on loopback: a real link adds bytes / speed to each");
    Ok(report)
}

fn add(report: &mut Report, case: &str, trips: &[[Trip; 3]], stages: &[[f64; 3]]) {
    let bytes = |way: usize| median(trips.iter().map(|trip| trip[way].bytes as f64));
    let seconds = |way: usize| median(trips.iter().map(|trip| trip[way].time.as_secs_f64()));
    let heads = ["", "MB", "to Landfall's", "seconds", "to Landfall's"];
    let mut table = Table::new(format!("{case} (medians)"), &heads);
    for (way, name) in WAYS.iter().enumerate() {
        table.row([
            (*name).to_owned(),
            number(bytes(way).map(|bytes| bytes / MB), 3),
            ratio(bytes(way), bytes(0)),
            number(seconds(way), 2),
            ratio(seconds(way), seconds(0)),
        ]);
    }
    report.table(table);
    let stage = |at: usize| median(stages.iter().map(|stage| stage[at]));
    let mut table = Table::new("of Landfall's, seconds (medians)", &["", "seconds"]);
    for (at, name) in ["out of the engine", "to the other store", "into the engine"]
        .iter()
        .enumerate()
    {
        table.row([(*name).to_owned(), number(stage(at), 2)]);
    }
    report.table(table);
    let ways: Vec<_> = (0..WAYS.len())
        .map(|way| json!({ "way": WAYS[way], "bytes": bytes(way), "seconds": seconds(way) }))
        .collect();
    let stages: Vec<_> = (0..3).map(stage).collect();
    report.data(case, json!({ "ways": ways, "stages": stages }));
}
