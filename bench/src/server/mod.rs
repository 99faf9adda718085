//! A real server over real ssh: Landfall against rsync, a compressed archive, and PM2.
//!
//! The server is one of testkit's boxes on this machine: systemd, sshd, and a disk that is this
//! machine's. All go by the same ssh on a way that counts bytes, in turns, in one run; what is
//! brought are builds of the storefront, each made by npm and Next.js.

mod cutover;
mod nothing;
mod pm2;
mod shop;
mod site;
mod transfer;
mod versions;
mod ways;

use anyhow::{Context, Result};
use landfall_testkit::server::ServerEngine;

use crate::landfall::Landfall;
use crate::options::Options;
use crate::process::Workplace;
use crate::report::Report;
use site::Site;
use versions::Versions;

/// What every part needs.
struct Contest<'a> {
    options: &'a Options,
    place: &'a Workplace,
    site: &'a Site<'a>,
    versions: Versions,
}

type Part = fn(&Contest<'_>, &mut Report) -> Result<()>;

const PARTS: [(&str, Part); 3] = [
    ("transfer", transfer::run),
    ("nothing", nothing::run),
    ("deploy", cutover::run),
];

/// Runs the benchmark.
///
/// # Errors
/// When a program is missing, or something does not arrive.
pub fn run(options: &Options) -> Result<Report> {
    let pm2 = options.pm2.as_deref();
    let pm2 = pm2.context("no --pm2 is given; `cargo xtask bench server` installs one")?;
    let place = Workplace::new()?;
    let versions = Versions::prepare(&place)?;
    let engine = ServerEngine::start();
    let site = Site::boot(&engine)?;
    site.bring_programs(&["rsync", "zstd", "node"])?;
    site.bring_pm2(pm2)?;
    make_ready(options, &place, &site)?;
    let contest = Contest {
        options,
        place: &place,
        site: &site,
        versions,
    };
    let mut report = Report::new("server");
    for (name, part) in PARTS {
        if name.contains(&options.only) {
            part(&contest, &mut report).with_context(|| format!("failed to measure {name}"))?;
        }
    }
    Ok(report)
}

/// Makes the server one of Landfall's.
fn make_ready(options: &Options, place: &Workplace, site: &Site<'_>) -> Result<()> {
    let admin: Landfall = ways::landfall(options, place, site, "admin")?;
    admin
        .run(&["server", "add", &site.host(), "--yes"])
        .map(drop)
}
