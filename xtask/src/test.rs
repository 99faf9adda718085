//! `cargo xtask test`: everything that must hold before a change is good.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::run::{Steps, bins, cargo, must, works};
use crate::setup;

/// Everything. True when all of it went well.
///
/// # Errors
/// When what the tests need cannot be had.
pub fn everything() -> Result<bool> {
    setup::rust_components()?;
    setup::node()?;
    setup::docker()?;
    setup::registry()?;
    let deny = setup::cargo_deny()?;
    let peers = [
        (setup::COMPOSE_ORACLE, setup::compose_oracle()?),
        (setup::NEWER_ENGINE, setup::newer_engine()?),
    ];

    let mut steps = Steps::default();
    lint(&mut steps);
    let mut licences = Command::new(deny);
    licences.args([
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]);
    steps.run("licences", licences);

    // Tests that start binaries take them as they are: built here, and never stale. All of the
    // workspace at once, because cargo would build the dependencies of a part of it anew.
    must(cargo(&[
        "build",
        "--workspace",
        "--all-targets",
        "--locked",
    ]))?;
    steps.run("fixtures", Command::new(bins()?.join("fixtures")));
    steps.run(
        "doc tests",
        cargo(&["test", "--quiet", "--doc", "--workspace", "--locked"]),
    );
    tests(&mut steps, &[], &peers)?;
    Ok(steps.finish())
}

/// What needs neither the built binaries nor anything installed.
///
/// # Errors
/// When the system does not tell where this program is.
pub fn fast() -> Result<bool> {
    let mut steps = Steps::default();
    lint(&mut steps);
    tests(&mut steps, &["--lib", "--bins"], &[])?;
    Ok(steps.finish())
}

fn lint(steps: &mut Steps) {
    steps
        .run("format", cargo(&["fmt", "--all", "--check"]))
        .run(
            "lints",
            cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "--deny=warnings",
            ]),
        );
}

fn tests(steps: &mut Steps, only: &[&str], peers: &[(&str, PathBuf)]) -> Result<()> {
    let mut command = match works("cargo", &["nextest", "--version"]) {
        true => cargo(&[
            "nextest",
            "run",
            "--workspace",
            "--locked",
            "--no-fail-fast",
        ]),
        false => cargo(&[
            "test",
            "--workspace",
            "--locked",
            "--no-fail-fast",
            "--tests",
        ]),
    };
    command.args(only).env("LANDFALL_TEST_BINS", bins()?);
    for (variable, peer) in peers {
        command.env(variable, peer);
    }
    steps.run("tests", command);
    Ok(())
}
