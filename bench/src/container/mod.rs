//! The cut-over of a container service to its next version, under load: `landfall deploy`,
//! `docker compose up -d`, and a script that starts, waits, switches nginx and stops.
//!
//! The same images on one engine, in turns. Every image is there beforehand, so that neither a
//! build nor a pull is measured. The script has no pauses of its own between its looks, which
//! makes its seconds a floor for tools that work that way.

mod cut;
mod project;
mod ways;

use anyhow::{Context, Result};
use serde_json::json;

use crate::docker::Engine;
use crate::options::Options;
use crate::process::Workplace;
use crate::report::{Report, Table, number, ratio};
use crate::stats::median;
use cut::Cut;
use project::{CASES, Case, Project};
use ways::{Compose, Deploy, Script, Way};

const ROUNDS: usize = 5;

/// All cut-overs of one way.
struct Cuts {
    name: &'static str,
    cuts: Vec<Cut>,
}

/// Runs the benchmark.
///
/// # Errors
/// When a program is missing, or a version does not come to answer.
pub fn run(options: &Options) -> Result<Report> {
    let compose = options
        .compose
        .as_deref()
        .context("--compose PATH is missing: the docker-compose to compare with")?;
    let mut report = Report::new("container");
    for case in CASES
        .iter()
        .filter(|case| case.name.contains(&options.only))
    {
        let place = Workplace::new()?;
        let engine = Engine::start(&place, "engine")?;
        let rounds = options.rounds.unwrap_or(ROUNDS);
        let images = project::build_images(&engine, &place, options, case, rounds)?;
        let mut ways: [Box<dyn Way + '_>; 3] = [
            Box::new(Deploy::new(options, &place, &engine)?),
            Box::new(Compose::new(
                compose,
                Project::new(&place, "compose")?,
                &engine,
            )),
            Box::new(Script::new(&place, &engine)?),
        ];
        let cuts = measure(&mut ways, images).with_context(|| format!("case {}", case.name))?;
        drop(ways);
        add(&mut report, case, &cuts);
    }
    report.note("lost: not answered completely, or with an error");
    report.note("without an answer: the longest time between two good answers");
    report.note("new after: from the command to the first answer of the new version");
    Ok(report)
}

fn measure(ways: &mut [Box<dyn Way + '_>], images: usize) -> Result<Vec<Cuts>> {
    let mut all = Vec::new();
    for way in &mut *ways {
        way.bring(0)?;
        cut::wait_for_version(way.address(), 0)?;
        all.push(Cuts {
            name: way.name(),
            cuts: Vec::new(),
        });
    }
    for version in 1..images {
        for (way, of_way) in ways.iter_mut().zip(&mut all) {
            let cut = cut::over(way.as_mut(), version);
            of_way
                .cuts
                .push(cut.with_context(|| of_way.name.to_owned())?);
        }
    }
    Ok(all)
}

impl Cuts {
    fn requests(&self) -> u64 {
        self.cuts.iter().map(|cut| cut.requests).sum()
    }

    fn lost(&self) -> u64 {
        self.cuts.iter().map(|cut| cut.lost).sum()
    }

    fn median(&self, of: impl Fn(&Cut) -> f64) -> Option<f64> {
        median(self.cuts.iter().map(of))
    }

    /// The steps that the first one had, and their seconds.
    fn steps(&self) -> Vec<(&str, Option<f64>)> {
        let names = self.cuts.first().map_or(&[][..], |cut| &cut.steps);
        let seconds = |name: &str| {
            let of_name = self.cuts.iter().flat_map(|cut| &cut.steps);
            median(of_name.filter(|step| step.0 == name).map(|step| step.1))
        };
        let steps = names.iter().map(|(name, _)| (&name[..], seconds(name)));
        steps.collect()
    }
}

fn add(report: &mut Report, case: &Case, all: &[Cuts]) {
    let heads = [
        "",
        "requests",
        "lost",
        "lost each",
        "without an answer, s",
        "new after, s",
        "command, s",
        "to Landfall's",
    ];
    let rounds = all.first().map_or(0, |cuts| cuts.cuts.len());
    let title = format!("{}: {rounds} cut-overs of each (medians)", case.name);
    let mut table = Table::new(title, &heads);
    let command = |cuts: &Cuts| cuts.median(|cut| cut.command);
    for cuts in all {
        table.row([
            cuts.name.to_owned(),
            cuts.requests().to_string(),
            cuts.lost().to_string(),
            number(cuts.median(|cut| cut.lost as f64), 0),
            number(cuts.median(|cut| cut.gap), 3),
            number(cuts.median(|cut| cut.new_after), 2),
            number(command(cuts), 2),
            ratio(command(cuts), all.first().and_then(command)),
        ]);
    }
    report.table(table);
    if let Some(ours) = all.first() {
        add_steps(report, ours);
    }
    let ways: Vec<_> = all
        .iter()
        .map(|cuts| {
            json!({
                "way": cuts.name,
                "requests": cuts.requests(),
                "lost": cuts.cuts.iter().map(|cut| cut.lost).collect::<Vec<_>>(),
                "gap": cuts.median(|cut| cut.gap),
                "new_after": cuts.median(|cut| cut.new_after),
                "command": command(cuts),
                "steps": cuts.steps(),
            })
        })
        .collect();
    report.data(case.name, json!(ways));
}

fn add_steps(report: &mut Report, cuts: &Cuts) {
    let title = format!("steps of {}, s (medians)", cuts.name);
    let mut table = Table::new(title, &["", "s"]);
    for (name, seconds) in cuts.steps() {
        table.row([name.to_owned(), number(seconds, 2)]);
    }
    report.table(table);
}
