//! A deploy with nothing to do, against one connection of ssh.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use super::Contest;
use super::shop::Shop;
use super::versions::Tree;
use crate::docker::output;
use crate::report::{Report, Table, number};
use crate::stats::median;

const ROUNDS: usize = 15;

pub(super) fn run(contest: &Contest<'_>, report: &mut Report) -> Result<()> {
    let shop = Shop::deployed(contest, Tree::First)?;
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..contest.options.rounds.unwrap_or(ROUNDS) {
        let began = Instant::now();
        output(contest.site.ssh("true"))?;
        alone.push(began.elapsed().as_secs_f64() * 1000.0);
        let began = Instant::now();
        let lines = shop.landfall.lines(&["deploy", "--yes"])?;
        anyhow::ensure!(
            lines.iter().any(|(_, line)| line.contains("nothing to do")),
            "a deploy without a change did something: {lines:?}"
        );
        ours.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    shop.remove()?;
    let beyond = ours.iter().zip(&alone).map(|(ours, alone)| ours - alone);
    let beyond: Vec<f64> = beyond.collect();
    let mut table = Table::new("nothing to do, ms (medians)", &["", "ms"]);
    for (name, times) in [
        ("ssh SERVER true", &alone),
        ("landfall deploy", &ours),
        ("beyond ssh", &beyond),
    ] {
        table.row([name.to_owned(), number(median(times.iter().copied()), 0)]);
    }
    report.table(table);
    let data = json!({ "ssh_ms": alone, "landfall_ms": ours, "beyond_ms": beyond });
    report.data("nothing", data);
    Ok(())
}
