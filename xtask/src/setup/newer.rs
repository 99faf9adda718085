//! Programs out of packages of a newer Debian, for what Debian 12 has too old a version of.
//!
//! They are taken out of their packages, and the machine's own apt is not touched. That works for
//! programs that need little more than the system's libc.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::must;

/// Suites that have or had what is taken from them, the more stable one first.
const SUITES: [&str; 2] = ["forky", "sid"];

/// Unpacks packages below `tools/root`, each named as apt does: `name=version*`.
///
/// # Errors
/// When they cannot be had.
pub fn unpack(tools: &Path, wanted: &[&str]) -> Result<()> {
    let apt = tools.join("apt");
    for dir in ["state/lists/partial", "cache/archives/partial", "empty"] {
        let dir = apt.join(dir);
        std::fs::create_dir_all(&dir)
            .with_context(|| format!("failed to make {}", dir.display()))?;
    }
    let mirror = mirror()?;
    let signed = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let sources = SUITES.map(|suite| format!("deb [signed-by={signed}] {mirror} {suite} main\n"));
    std::fs::write(apt.join("sources.list"), sources.concat())?;
    std::fs::write(apt.join("status"), "")?;
    let mut update = isolated(&apt);
    update.args(["--quiet", "update"]);
    must(update)?;
    for old in packages(&apt)? {
        std::fs::remove_file(old)?;
    }
    let mut download = isolated(&apt);
    download.args(["--quiet", "download"]).args(wanted);
    // It downloads into the working directory, and `must` runs in the checkout.
    let status = download
        .current_dir(&apt)
        .status()
        .context("failed to start apt-get")?;
    if !status.success() {
        bail!(
            "none of {} has {}",
            SUITES.join(" and "),
            wanted.join(" and ")
        );
    }
    for package in packages(&apt)? {
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(package).arg(tools.join("root"));
        must(unpack)?;
    }
    // Lists and packages are only in the way.
    let _ = std::fs::remove_dir_all(apt);
    Ok(())
}

/// `apt-get` with lists, packages and sources of its own, but the machine's network settings.
fn isolated(apt: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let paths = [
        ("Dir::State", "state"),
        ("Dir::State::status", "status"),
        ("Dir::Cache", "cache"),
        ("Dir::Etc::sourcelist", "sources.list"),
        ("Dir::Etc::sourceparts", "empty"),
        ("Dir::Etc::preferences", "empty/none"),
        ("Dir::Etc::preferencesparts", "empty"),
    ];
    for (option, path) in paths {
        command
            .arg("--option")
            .arg(format!("{option}={}", apt.join(path).display()));
    }
    // Another user could not write into a home directory.
    command.args(["--option", "APT::Sandbox::User=root"]);
    command.args(["--option", "Acquire::Languages=none"]);
    command
}

/// The mirror of Debian that this machine uses.
fn mirror() -> Result<String> {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(REPO_URI)"])
        .output()
        .context("failed to start apt-get: this is no Debian; set the variable by hand")?;
    let uris = String::from_utf8_lossy(&output.stdout);
    let mirror = uris
        .lines()
        .find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    Ok(mirror.context("apt knows no mirror of Debian")?.to_owned())
}

fn packages(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(dir).with_context(|| format!("failed to read {}", dir.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths
        .filter(|path| path.extension().is_some_and(|end| end == "deb"))
        .collect())
}
