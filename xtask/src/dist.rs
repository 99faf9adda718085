//! `cargo xtask dist`: the binary for servers, which needs no library of theirs.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::run::root;

/// Linked into the binary, the C library is the one that it was tried with, on every server.
const STATIC: &str = "-C target-feature=+crt-static";

/// Builds it and says where it is.
pub fn run() -> anyhow::Result<bool> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let built = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "landfall",
            "--bin",
            "landfall",
        ])
        // Named, so that build scripts and macros, which run here, are linked as ever.
        .args(["--target", &target])
        .env("RUSTFLAGS", STATIC)
        .current_dir(root())
        .status()
        .context("failed to run cargo")?;
    if !built.success() {
        bail!("the binary was not built");
    }
    let directory = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let directory = directory.unwrap_or_else(|| root().join("target"));
    let binary = directory.join(&target).join("release/landfall");
    let said = Command::new(&binary).arg("--version").output();
    let said = said.with_context(|| format!("failed to run {}", binary.display()))?;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let size = binary.metadata()?.len() / 1_000_000;
    eprintln!(
        "{version}, {size} MB, without libraries of its own: {}",
        binary.display()
    );
    Ok(said.status.success())
}
