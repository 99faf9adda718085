//! Supervision of processes: Landfall against PM2.
//!
//! The same apps under both, each in a state directory of its own, one after the other or in turns.
//! Landfall's share includes its agent, its proxy and a shim per instance; PM2's is its daemon.
//! What the apps themselves use is counted for neither.

mod killed;
mod logs;
mod memory;
mod pm2;
mod reload;
mod start;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::landfall::Landfall;
use crate::options::Options;
use crate::process::Workplace;
use crate::report::Report;
use pm2::Pm2;

/// What every part needs.
struct Contest<'a> {
    options: &'a Options,
    place: Workplace,
}

type Part = fn(&Contest<'_>, &mut Report) -> Result<()>;

const PARTS: [(&str, Part); 5] = [
    ("memory", memory::run),
    ("start", start::run),
    ("logs", logs::run),
    ("reload", reload::run),
    ("killed", killed::run),
];

/// Runs the benchmark.
///
/// # Errors
/// When a program is missing or an app does not come up.
pub fn run(options: &Options) -> Result<Report> {
    let mut report = Report::new("supervisor");
    for (name, part) in PARTS {
        if name.contains(&options.only) {
            let contest = Contest {
                options,
                place: Workplace::new()?,
            };
            part(&contest, &mut report).with_context(|| format!("failed to measure {name}"))?;
        }
    }
    Ok(report)
}

impl Contest<'_> {
    fn pm2(&self, name: &str) -> Result<Pm2> {
        Pm2::new(self.options.pm2.as_deref(), &self.place, name)
    }

    fn landfall(&self, name: &str) -> Result<Landfall> {
        Landfall::new(&self.options.landfall, &self.place, name)
    }

    /// Landfall with the web app for Node.js, not yet deployed.
    fn landfall_with_node(&self, name: &str) -> Result<Landfall> {
        let landfall = self.landfall(name)?;
        landfall.write("app.js", crate::apps::NODE)?;
        landfall.write(
            "landfall.toml",
            "app = \"web\"\n\n[service.web]\nrun = \"node app.js\"\n\n[[route]]\nto = \"web\"\n",
        )?;
        Ok(landfall)
    }
}

/// This program, which is also the apps.
fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("failed to find this program")
}
