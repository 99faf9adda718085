//! The ways that Docker has.

use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::Trip;
use super::sides::Sides;
use crate::docker::output;

/// `docker save | docker load`.
///
/// # Errors
/// When one of both fails.
pub fn save_and_load(sides: &Sides, image: &str) -> Result<Trip> {
    let began = Instant::now();
    let mut save = spawn(sides.sender.docker(&["save", image]), false)?;
    let mut load = spawn(sides.server.docker(&["load", "--quiet"]), true)?;
    let mut from = save.stdout.take().context("no output")?;
    let mut to = load.stdin.take().context("no input")?;
    let bytes = io::copy(&mut from, &mut to)?;
    drop(to);
    ended(save)?;
    ended(load)?;
    let time = began.elapsed();
    Ok(Trip { bytes, time })
}

/// `docker push`.
///
/// # Errors
/// When it fails.
pub fn push(sides: &Sides, image: &str, version: usize) -> Result<()> {
    let name = format!("localhost:{}/app:{version}", sides.to_registry.port);
    output(sides.sender.docker(&["tag", image, &name]))?;
    output(sides.sender.docker(&["push", "--quiet", &name])).map(drop)
}

/// `docker push` at the sender and `docker pull` at the server.
///
/// # Errors
/// When one of both fails.
pub fn push_and_pull(sides: &Sides, image: &str, version: usize) -> Result<Trip> {
    sides.to_registry.passed();
    sides.from_registry.passed();
    let began = Instant::now();
    push(sides, image, version)?;
    let name = format!("localhost:{}/app:{version}", sides.from_registry.port);
    output(sides.server.docker(&["pull", "--quiet", &name]))?;
    let time = began.elapsed();
    let bytes = sides.to_registry.passed().both() + sides.from_registry.passed().both();
    Ok(Trip { bytes, time })
}

/// Starts a command whose input (`feeds`) or output is ours.
pub fn spawn(mut command: Command, feeds: bool) -> Result<Child> {
    match feeds {
        true => command.stdin(Stdio::piped()).stdout(Stdio::null()),
        false => command.stdout(Stdio::piped()),
    };
    command
        .spawn()
        .with_context(|| format!("failed to start {command:?}"))
}

/// Waits for a command's end, which must be a good one.
pub fn ended(mut child: Child) -> Result<()> {
    let status = child.wait()?;
    if !status.success() {
        bail!("a command of docker failed: {status}");
    }
    Ok(())
}
