//! What a deployment adds to the app's own start.
//!
//! `examples/hello` with its binary built beforehand, so that no compiler is measured: the first
//! deployment, a change of one small file, and a deployment without any change.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::http;
use crate::landfall::{self, Landfall};
use crate::options::Options;
use crate::process::{Server, Workplace};
use crate::report::{Report, Table, number};
use crate::stats::median;

const ROUNDS: usize = 7;
const UP_WITHIN: Duration = Duration::from_secs(60);

const CONFIG: &str = r#"
app = "hello"

[service.web]
run   = "./hello"
ready = { path = "/health", within = "60s" }

[service.web.build]
shell  = "mkdir -p dist && cp bin/hello hello.json dist/"
inputs = ["bin/hello", "hello.json"]
output = "dist"

[service.web.version]
path = "/version"

[[route]]
to = "web"

[[smoke]]
get    = "/orders"
expect = { status = 307, location = "/auth/login" }
"#;

/// The steps and the wall-clock seconds of one deployment.
struct Deployment {
    wall: f64,
    steps: Vec<(String, f64)>,
}

/// Runs the benchmark.
///
/// # Errors
/// When a deployment fails.
pub fn run(options: &Options) -> Result<Report> {
    let place = Workplace::new()?;
    let landfall = Landfall::new(&options.landfall, &place, "hello")?;
    fs::create_dir_all(landfall.project().join("bin"))?;
    fs::copy(&options.hello, landfall.project().join("bin/hello"))
        .with_context(|| format!("failed to copy {}", options.hello.display()))?;
    landfall.run(&["agent", "start"])?;
    let first = deploy(&landfall, Some(0))?;

    let rounds = options.rounds.unwrap_or(ROUNDS);
    let (mut noop, mut changed, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        noop.push(deploy(&landfall, None)?);
        changed.push(deploy(&landfall, Some(round))?);
        alone.push(alone_start(&landfall, &place)?);
    }
    landfall.stop_everything()?;
    Ok(report(&first, &noop, &changed, median(alone)))
}

/// Deploys a version, or what is there already.
fn deploy(landfall: &Landfall, version: Option<usize>) -> Result<Deployment> {
    if let Some(version) = version {
        let hello = json!({ "version": format!("v{version}"), "behaviour": "good" });
        landfall.write("hello.json", &hello.to_string())?;
        let proof = format!("expect = \"v{version}\"\n");
        let config = CONFIG.replace(
            "path = \"/version\"\n",
            &format!("path = \"/version\"\n{proof}"),
        );
        landfall.write("landfall.toml", &config)?;
    }
    let began = Instant::now();
    let result = landfall.json(&["deploy", "--yes"])?;
    let wall = began.elapsed().as_secs_f64();
    Ok(Deployment {
        wall,
        steps: landfall::steps(&result),
    })
}

/// From the app's start, by hand, to its first 200.
fn alone_start(landfall: &Landfall, place: &Workplace) -> Result<f64> {
    let address = http::free_address()?;
    let mut command = Command::new("./hello");
    command
        .current_dir(landfall.project().join("dist"))
        .env("PORT", address.port().to_string());
    let began = Instant::now();
    let _server = Server::start(command, &place.path().join("hello-output"))?;
    http::wait_for_200(address, "/health", UP_WITHIN)?;
    Ok(began.elapsed().as_secs_f64())
}

fn report(
    first: &Deployment,
    noop: &[Deployment],
    changed: &[Deployment],
    alone: Option<f64>,
) -> Report {
    let mut report = Report::new("deploy");
    let wall = |all: &[Deployment]| median(all.iter().map(|deployment| deployment.wall));
    let ms = |time: Option<f64>| number(time.map(|time| time * 1000.0), 0);
    let beyond = |time: Option<f64>| Some(time? - alone?);
    let mut table = Table::new(
        "from the command to its end, ms (medians)",
        &["", "whole", "beyond the app's own start"],
    );
    let times = [
        ("the app's own start", alone),
        ("deploy without a change", wall(noop)),
        ("deploy of one changed file", wall(changed)),
        ("first deploy", Some(first.wall)),
    ];
    for (name, time) in times {
        let more = match name {
            "deploy without a change" => time,
            _ => beyond(time),
        };
        table.row([name.into(), ms(time), ms(more)]);
    }
    report.table(table);

    let mut table = Table::new(
        "steps of a deploy of one changed file, ms (medians)",
        &["", "ms"],
    );
    let mut steps = Vec::new();
    for (name, _) in changed.first().map_or(&[][..], |first| &first.steps) {
        let of_name = |deployment: &Deployment| {
            let step = deployment.steps.iter().find(|(step, _)| step == name);
            step.map(|(_, seconds)| *seconds)
        };
        let time = median(changed.iter().filter_map(of_name));
        table.row([name.clone(), ms(time)]);
        steps.push(json!({ "name": name, "ms": time.map(|time| time * 1000.0) }));
    }
    report.table(table);
    report
        .note("a deploy without a change starts nothing, so the app's own start is no part of it");
    report.data(
        "seconds",
        json!({ "alone": alone, "noop": wall(noop), "changed": wall(changed), "first": first.wall }),
    );
    report.data("steps", Value::Array(steps));
    report
}
