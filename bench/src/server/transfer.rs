//! Trees of real builds, brought to a server that has nothing, the same, or a tree before it.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Contest;
use super::versions::Tree;
use super::ways::{Archive, Deploy, Rsync, Trip, Way, prove};
use crate::docker::output;
use crate::report::{Report, Table, number, ratio};
use crate::stats::median;

const ROUNDS: usize = 5;
const KB: f64 = 1e3;

struct Case {
    name: &'static str,
    before: Option<Tree>,
    tree: Tree,
}

const CASES: [Case; 5] = [
    Case {
        name: "cold: the server has nothing",
        before: None,
        tree: Tree::First,
    },
    Case {
        name: "identical",
        before: Some(Tree::First),
        tree: Tree::First,
    },
    Case {
        name: "identical, in files with other times",
        before: Some(Tree::First),
        tree: Tree::FirstAgain,
    },
    Case {
        name: "one component changed",
        before: Some(Tree::First),
        tree: Tree::Second,
    },
    Case {
        name: "patch release of Next.js",
        before: Some(Tree::OlderNext),
        tree: Tree::First,
    },
];

pub(super) fn run(contest: &Contest<'_>, report: &mut Report) -> Result<()> {
    let site = contest.site;
    let mut ways: [Box<dyn Way + '_>; 3] = [
        Box::new(Deploy::new(contest.options, contest.place, site)?),
        Box::new(Rsync(site)),
        Box::new(Archive::new(site)),
    ];
    let (files, bytes) = contest.versions.size(Tree::First)?;
    let rounds = contest.options.rounds.unwrap_or(ROUNDS);
    let mut trips: Vec<Vec<Vec<Trip>>> = vec![vec![Vec::new(); ways.len()]; CASES.len()];
    let mut connections = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        output(site.ssh("true"))?;
        connections.push(began.elapsed().as_secs_f64());
        for (case, of_case) in CASES.iter().zip(&mut trips) {
            for (way, of_way) in ways.iter_mut().zip(of_case) {
                let trip = measure(contest, way.as_mut(), case);
                of_way.push(trip.with_context(|| format!("{}, {}", case.name, way.name()))?);
            }
        }
    }
    let names: Vec<&str> = ways.iter().map(|way| way.name()).collect();
    for (case, of_case) in CASES.iter().zip(&trips) {
        add(report, case, &names, of_case);
    }
    report.note(format!(
        "the storefront's tree has {files} files, {:.1} MB; {rounds} rounds",
        bytes as f64 / 1e6
    ));
    report.note(format!(
        "`ssh SERVER true` alone takes {} s, and is a part of every row",
        number(median(connections.iter().copied()), 2)
    ));
    report.data("ssh_seconds", json!(connections));
    report.note("kB: all that passes on the connections of ssh, their setting up included; up is to the server");
    report.note("seconds: from the command until the whole tree lies on the server; for landfall deploy with one connection of ssh, the plan, hashing and keeping the build here, the transfer and the laying out there");
    report.note("of them transfer: saying what the tree is, sending what is missing, and proving and syncing it there");
    Ok(())
}

fn measure(contest: &Contest<'_>, way: &mut dyn Way, case: &Case) -> Result<Trip> {
    way.forget()?;
    if let Some(before) = case.before {
        way.bring(&contest.versions.path(before))?;
    }
    let tree = contest.versions.path(case.tree);
    let trip = way.bring(&tree)?;
    prove(contest.site, way, &tree)?;
    Ok(trip)
}

fn add(report: &mut Report, case: &Case, names: &[&str], trips: &[Vec<Trip>]) {
    let heads = [
        "",
        "kB up",
        "kB down",
        "kB",
        "to Landfall's",
        "seconds",
        "to Landfall's",
        "of them transfer",
    ];
    let mut table = Table::new(format!("{} (medians)", case.name), &heads);
    let median_of =
        |way: usize, of: &dyn Fn(&Trip) -> Option<f64>| median(trips[way].iter().filter_map(of));
    let up = |trip: &Trip| Some(trip.passed.there as f64 / KB);
    let down = |trip: &Trip| Some(trip.passed.back as f64 / KB);
    let both = |trip: &Trip| Some(trip.passed.both() as f64 / KB);
    let seconds = |trip: &Trip| Some(trip.time.as_secs_f64());
    let transfer = |trip: &Trip| Some(trip.transfer?.as_secs_f64());
    let mut data: Vec<Value> = Vec::new();
    for (way, name) in names.iter().enumerate() {
        table.row([
            (*name).to_owned(),
            number(median_of(way, &up), 1),
            number(median_of(way, &down), 1),
            number(median_of(way, &both), 1),
            ratio(median_of(way, &both), median_of(0, &both)),
            number(median_of(way, &seconds), 2),
            ratio(median_of(way, &seconds), median_of(0, &seconds)),
            number(median_of(way, &transfer), 2),
        ]);
        data.push(json!({
            "way": name,
            "bytes_up": trips[way].iter().map(|trip| trip.passed.there).collect::<Vec<_>>(),
            "bytes_down": trips[way].iter().map(|trip| trip.passed.back).collect::<Vec<_>>(),
            "seconds": trips[way].iter().filter_map(seconds).collect::<Vec<_>>(),
            "transfer": trips[way].iter().filter_map(transfer).collect::<Vec<_>>(),
        }));
    }
    report.table(table);
    report.data(case.name, Value::Array(data));
}
