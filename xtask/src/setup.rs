//! What the tests need besides Rust, installed where it is missing.
//!
//! Looks before it installs: on a machine that has everything, nothing is touched.

mod compose;
mod engine;
mod newer;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{cargo, must, works};

pub use compose::{COMPOSE_ORACLE, compose_oracle};
pub use engine::{NEWER_ENGINE, newer_engine};

/// The version of cargo-deny that `deny.toml` was written for.
const CARGO_DENY: &str = "0.20.2";

/// The PM2 that supervision is measured against.
const PM2: &str = "7.0.4";

/// Makes sure of rustfmt and clippy.
///
/// # Errors
/// When they are missing and cannot be had.
pub fn rust_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !works("cargo", &[subcommand, "--version"]) {
            let mut rustup = Command::new("rustup");
            rustup.args(["component", "add", component]);
            must(rustup).with_context(|| format!("{component} is missing"))?;
        }
    }
    Ok(())
}

/// Makes sure of Node.js and npm, for the storefront.
///
/// # Errors
/// When they are missing and cannot be installed.
pub fn node() -> Result<()> {
    if works("node", &["--version"]) && works("npm", &["--version"]) {
        return Ok(());
    }
    apt_install(&["nodejs", "npm"])
}

/// Makes sure of a Docker Engine, of what its networks need, of what its images are made with, and of
/// what reaches servers in its boxes and makes their disks.
/// The tests start an engine of their own: none has to run, and one that does is left alone.
///
/// # Errors
/// When they are missing and cannot be installed.
pub fn docker() -> Result<()> {
    // Another client may stand earlier in PATH, and be no use without a daemon.
    let there = works("dockerd", &["--version"])
        && works("/usr/bin/docker", &["--version"])
        && works("iptables", &["--version"])
        && works("/bin/busybox", &["true"])
        && works("debootstrap", &["--version"])
        && works("ssh", &["-V"])
        && works("ip", &["-V"])
        && works("mkfs.ext4", &["-V"])
        && works("python3", &["--version"]);
    if there {
        return Ok(());
    }
    apt_install(&[
        "docker.io",
        "iptables",
        "busybox-static",
        "debootstrap",
        "openssh-client",
        "iproute2",
        "e2fsprogs",
        "python3",
    ])
}

/// Makes sure of what the proxy is measured against and with.
///
/// # Errors
/// When they are missing and cannot be installed.
pub fn proxy_peers() -> Result<()> {
    let there = works("nginx", &["-v"]) && works("haproxy", &["-v"]);
    // It has no way to ask for its version that it calls a success.
    let wrk = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join("wrk").is_file()));
    if there && wrk {
        return Ok(());
    }
    apt_install(&["nginx", "haproxy", "wrk"])
}

/// Makes sure of nginx.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn nginx() -> Result<()> {
    match works("nginx", &["-v"]) {
        true => Ok(()),
        false => apt_install(&["nginx"]),
    }
}

/// Makes sure of a registry of images.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn registry() -> Result<()> {
    match works("docker-registry", &["--version"]) {
        true => Ok(()),
        false => apt_install(&["docker-registry"]),
    }
}

/// Makes sure of what trees are brought to a server with, besides Landfall.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn transfer_peers() -> Result<()> {
    match works("rsync", &["--version"]) && works("zstd", &["--version"]) {
        true => Ok(()),
        false => apt_install(&["rsync", "zstd"]),
    }
}

/// Makes sure of PM2; the program.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn pm2() -> Result<PathBuf> {
    let tools = cache().join(format!("pm2-{PM2}"));
    let program = tools.join("node_modules/.bin/pm2");
    if !program.is_file() {
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--prefix"]);
        install.arg(&tools).arg(format!("pm2@{PM2}"));
        must(install)?;
    }
    Ok(program)
}

fn apt_install(packages: &[&str]) -> Result<()> {
    if !works("apt-get", &["--version"]) {
        bail!(
            "{} missing, and this is no Debian: install by hand",
            packages.join(" and ")
        );
    }
    let privileged = || match works("sudo", &["-n", "true"]) {
        true => {
            let mut command = Command::new("sudo");
            command.args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
            command
        }
        false => {
            let mut command = Command::new("apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive");
            command
        }
    };
    let mut update = privileged();
    update.args(["update", "--quiet"]);
    must(update)?;
    let mut install = privileged();
    install
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(packages);
    must(install)
}

/// Makes sure of cargo-deny; the program.
///
/// # Errors
/// When it is missing and does not build.
pub fn cargo_deny() -> Result<PathBuf> {
    if works("cargo-deny", &["--version"]) {
        return Ok("cargo-deny".into());
    }
    let tools = cache().join(format!("cargo-deny-{CARGO_DENY}"));
    let program = tools.join("bin/cargo-deny");
    if !works(&program, &["--version"]) {
        // Unoptimised: it compiles in half the time, and has little to do.
        let mut install = cargo(&["install", "cargo-deny", "--locked", "--debug"]);
        install.args(["--version", CARGO_DENY]);
        install
            .arg("--root")
            .arg(&tools)
            // Where it is compiled need not be kept, and must not be where we are.
            .env("CARGO_TARGET_DIR", tools.join("build"));
        must(install)?;
        // What is left of the build is only in the way.
        let _ = std::fs::remove_dir_all(tools.join("build"));
    }
    Ok(program)
}

/// Where tools are kept: outside the checkout, so that a fresh one finds them.
fn cache() -> PathBuf {
    let xdg = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::home_dir().map(|home| home.join(".cache"));
    xdg.or_else(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("landfall/tools")
}
