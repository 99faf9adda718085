//! `cargo xtask bench`: release builds and peers for the benchmarks in `bench/`, then a run of one.

use std::process::Command;

use anyhow::{Result, bail};

use crate::run::{cargo, must};
use crate::setup;

/// Runs one, with further arguments for it. Always true: a benchmark measures, it does not judge.
///
/// # Errors
/// When something it needs cannot be had, or it fails.
pub fn run(name: &str, rest: &[&str]) -> Result<bool> {
    let mut peers: Vec<String> = Vec::new();
    match name {
        "proxy" => setup::proxy_peers()?,
        "supervisor" => {
            setup::node()?;
            peers.push("--pm2".into());
            peers.push(setup::pm2()?.to_string_lossy().into_owned());
        }
        "deploy" => {}
        "image" => {
            setup::docker()?;
            setup::registry()?;
        }
        "container" => {
            setup::docker()?;
            setup::nginx()?;
            peers.push("--compose".into());
            peers.push(setup::compose_oracle()?.to_string_lossy().into_owned());
        }
        "server" => {
            setup::node()?;
            setup::docker()?;
            setup::transfer_peers()?;
            peers.push("--pm2".into());
            peers.push(setup::pm2()?.to_string_lossy().into_owned());
        }
        _ => bail!(
            "there is no benchmark {name}: proxy, supervisor, deploy, image, container and server are there"
        ),
    }
    let mut build = cargo(&["build", "--release", "--locked", "--quiet"]);
    build.args(["--package=landfall", "--package=hello", "--package=bench"]);
    must(build)?;
    let mut bench: Command = cargo(&["run", "--release", "--locked", "--quiet", "--package=bench"]);
    bench.args(["--", name]).args(peers).args(rest);
    must(bench)?;
    Ok(true)
}
