//! `bench proxy|supervisor|deploy|image|container|server`: what Landfall's claims of speed and size rest on.
//!
//! Every program under test is the real one, started as its users start it, on loopback and in a
//! temporary directory; nothing is left running. Peers are measured in the same run, in turns, so
//! that ratios hold on a machine that has other work. Not run by tests or CI.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool talks to its terminal"
)]

mod apps;
mod container;
mod cpu;
mod deploy;
mod docker;
mod http;
mod image;
mod landfall;
mod load;
mod machine;
mod memory;
mod options;
mod process;
mod proxy;
mod report;
mod server;
mod stats;
mod supervisor;
mod wait;
mod wire;

use std::process::ExitCode;

use anyhow::Result;
use options::{Bench, Options};

const USAGE: &str = "\
usage: bench proxy|supervisor|deploy|image|container|server [options]

  --json               one JSON object instead of tables
  --ahead              run ahead of what else this machine does (needs root)
  --rounds N           how often everything is measured
  --only TEXT          only the cases whose name contains TEXT
  --peers-without-log  proxy: nginx and haproxy write no access log, ours does
  --landfall PATH      the binary under test; else the one beside this program
  --pm2 PATH           supervisor, server: the pm2 to compare with
  --compose PATH       container: the docker-compose to compare with
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = &args[..]
        && first == "app"
    {
        return apps::run(rest);
    }
    let Some(options) = Options::parse(&args) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    if options.ahead {
        machine::run_ahead()?;
    }
    let report = match options.bench {
        Bench::Proxy => proxy::run(options)?,
        Bench::Supervisor => supervisor::run(options)?,
        Bench::Deploy => deploy::run(options)?,
        Bench::Image => image::run(options)?,
        Bench::Container => container::run(options)?,
        Bench::Server => server::run(options)?,
    };
    if options.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.text());
    }
    Ok(())
}
