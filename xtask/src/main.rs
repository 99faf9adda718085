//! Project automation: `cargo xtask <task>`.
//!
//! The one entry point for everything a person or a CI job does to the project besides building it.
//! Each task is a file; this one only chooses.

#![allow(
    clippy::print_stderr,
    reason = "a development tool talks to its terminal"
)]

mod bench;
mod compose_oracle;
mod difference;
mod dist;
mod run;
mod setup;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask <task>

  test          everything: format, lints, licences, binaries, fixtures, all tests;
                installs what is missing
  test --fast   format, lints and unit tests only; installs nothing
  bench proxy|supervisor|deploy|image|container|server [--json] [--ahead] [--rounds N]
                measures release builds against nginx and haproxy, against PM2, by themselves,
                against a registry of images, against `docker compose up -d`, or against rsync
                and PM2 on a server; installs what is missing; see docs/benchmarks.md
  compose-oracle DIR…
                compares every Compose file below the directories with Docker Compose 2.40,
                which it installs where it is missing; without any, prints where that is
  dist          a release binary that runs on every Linux server of this architecture
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args[..] {
        ["test"] => test::everything(),
        ["test", "--fast"] => test::fast(),
        ["bench", name, ref rest @ ..] => bench::run(name, rest),
        ["compose-oracle", ref dirs @ ..] => compose_oracle::run(dirs),
        ["dist"] => dist::run(),
        ["help" | "--help" | "-h"] => {
            eprint!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
