//! Medians and ratios of all rounds.

use serde_json::{Value, json};

use super::cases::Case;
use super::peers::{OURS, Peers};
use super::round::Round;
use super::wrk::SECONDS;
use crate::options::Options;
use crate::report::{Report, Table, number, quotient, ratio};
use crate::stats::median;

/// Rounds in which other work took more than this share of the machine are left out.
const FOREIGN: f64 = 0.08;

/// The medians of one proxy under one load.
#[derive(Debug, Default)]
struct Medians {
    per_second: Option<f64>,
    p50: Option<f64>,
    p99: Option<f64>,
    cpu_us: Option<f64>,
    busy: Option<f64>,
    errors: f64,
    clean: usize,
    rounds: usize,
}

impl Medians {
    fn of(rounds: &[Round], peer: usize, case: &Case) -> Self {
        let all: Vec<_> = rounds
            .iter()
            .filter(|round| round.peer == peer && round.case == case.name)
            .collect();
        let clean: Vec<_> = all
            .iter()
            .filter(|round| round.foreign <= FOREIGN)
            .collect();
        // Without a single clean one, the calmest half is the best that there is.
        let calm = median(all.iter().map(|round| round.foreign)).unwrap_or(0.0);
        let taken: Vec<_> = match clean.is_empty() {
            false => clean.iter().map(|round| **round).collect(),
            true => all
                .iter()
                .copied()
                .filter(|round| round.foreign <= calm)
                .collect(),
        };
        let of = |value: fn(&Round) -> f64| median(taken.iter().map(|round| value(round)));
        Self {
            per_second: of(|round| round.seen.per_second),
            p50: of(|round| round.seen.p50),
            p99: of(|round| round.seen.p99),
            // Other work hardly touches it, so every round counts.
            cpu_us: median(all.iter().map(|round| round.cpu_us)),
            busy: of(|round| round.proxy_busy),
            errors: all.iter().map(|round| round.seen.errors).sum(),
            clean: clean.len(),
            rounds: all.len(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "requests_per_second": self.per_second, "p50_ms": self.p50, "p99_ms": self.p99,
            "cpu_us_per_request": self.cpu_us, "proxy_core_busy": self.busy, "errors": self.errors,
            "clean_rounds": self.clean, "rounds": self.rounds,
        })
    }
}

/// The report.
pub fn report(cases: &[&Case], peers: &Peers, rounds: &[Round], options: &Options) -> Report {
    let mut report = Report::new("proxy");
    let heads = ["", "throughput", "p50", "p99", "CPU per request"];
    let mut ratios: Vec<(usize, Table)> = (0..peers.count())
        .filter(|peer| *peer != OURS)
        .map(|peer| {
            let title = format!(
                "landfall against {} (above 1.00× landfall is the better one)",
                peers.name(peer)
            );
            (peer, Table::new(title, &heads))
        })
        .collect();
    let mut measured = Table::new(
        "measured",
        &[
            "",
            "",
            "req/s",
            "p50 ms",
            "p99 ms",
            "CPU µs/req",
            "core busy",
            "errors",
            "clean rounds",
        ],
    );
    let mut data = Vec::new();
    for case in cases {
        let medians: Vec<_> = (0..peers.count())
            .map(|peer| Medians::of(rounds, peer, case))
            .collect();
        let ours = &medians[OURS];
        for (peer, table) in &mut ratios {
            let theirs = &medians[*peer];
            table.row([
                case.name.to_owned(),
                ratio(ours.per_second, theirs.per_second),
                ratio(theirs.p50, ours.p50),
                ratio(theirs.p99, ours.p99),
                ratio(theirs.cpu_us, ours.cpu_us),
            ]);
        }
        for (peer, medians) in medians.iter().enumerate() {
            measured.row(cells(case, peers.name(peer), medians));
            data.push(row_json(case, peers.name(peer), medians, ours));
        }
    }
    for (_, table) in ratios {
        report.table(table);
    }
    report.table(measured);
    report.data("results", Value::Array(data));
    notes(&mut report, rounds, options);
    report
}

fn cells(case: &Case, name: &str, medians: &Medians) -> [String; 9] {
    [
        case.name.to_owned(),
        name.to_owned(),
        number(medians.per_second, 0),
        number(medians.p50, 2),
        number(medians.p99, 2),
        number(medians.cpu_us, 1),
        number(medians.busy.map(|busy| busy * 100.0), 0) + " %",
        number(Some(medians.errors), 0),
        format!("{}/{}", medians.clean, medians.rounds),
    ]
}

fn row_json(case: &Case, name: &str, medians: &Medians, ours: &Medians) -> Value {
    let mut row = medians.json();
    row["case"] = case.name.into();
    row["proxy"] = name.into();
    row["landfall_ratio"] = json!({
        "throughput": quotient(ours.per_second, medians.per_second),
        "p50": quotient(medians.p50, ours.p50),
        "p99": quotient(medians.p99, ours.p99),
        "cpu": quotient(medians.cpu_us, ours.cpu_us),
    });
    row
}

fn notes(report: &mut Report, rounds: &[Round], options: &Options) {
    let foreign = median(rounds.iter().map(|round| round.foreign)).unwrap_or(0.0) * 100.0;
    report.note(format!(
        "{SECONDS} s each, in turns; medians of rounds in which other work took at most {:.0} % of the machine \
         (of the calmer half where there was no such round); other work took {foreign:.0} % in the median round",
        FOREIGN * 100.0
    ));
    report.note(
        "where the proxy's core is not busy throughout, upstream and load on the other core are the \
         limit: throughput is then a floor, and CPU per request is what compares",
    );
    report.note(match options.peers_without_log {
        true => "only landfall writes an access log",
        false => "all write an access log: nginx through a buffer, as landfall does, haproxy a write per line",
    });
}
