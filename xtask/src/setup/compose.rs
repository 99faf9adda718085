//! Docker Compose 2.40, which knows what Compose files mean.
//!
//! Debian 12 has none that is new enough. A newer suite has, and its program needs nothing but the
//! system's libc: it is taken out of its package, and the machine's own apt is not touched.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::cache;
use crate::run::must;

/// The variable that names the program to the tests.
pub const COMPOSE_ORACLE: &str = "LANDFALL_COMPOSE_ORACLE";

/// The version whose answers are the reference.
const VERSION: &str = "2.40";

/// Suites that have it or had it, the more stable one first.
const SUITES: [&str; 2] = ["forky", "sid"];

/// Makes sure of Docker Compose; the program.
///
/// # Errors
/// When it is missing and cannot be had.
pub fn compose_oracle() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(COMPOSE_ORACLE) {
        let given = PathBuf::from(given);
        if !is_right(&given) {
            bail!(
                "{COMPOSE_ORACLE} is {}, which is not Docker Compose {VERSION}",
                given.display()
            );
        }
        return Ok(given);
    }
    let tools = cache().join(format!("compose-{VERSION}"));
    let program = tools.join("root/usr/libexec/docker/cli-plugins/docker-compose");
    if !is_right(&program) {
        install(&tools).with_context(|| format!("failed to install Docker Compose {VERSION}"))?;
        if !is_right(&program) {
            bail!("{} is not Docker Compose {VERSION}", program.display());
        }
    }
    Ok(program)
}

fn is_right(program: &Path) -> bool {
    let output = Command::new(program).args(["version", "--short"]).output();
    output.is_ok_and(|output| {
        let version = String::from_utf8_lossy(&output.stdout);
        output.status.success() && version.trim_start_matches('v').starts_with(VERSION)
    })
}

fn install(tools: &Path) -> Result<()> {
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
    download.args(["--quiet", "download", &format!("docker-compose={VERSION}*")]);
    // It downloads into the working directory, and `must` runs in the checkout.
    let status = download
        .current_dir(&apt)
        .status()
        .context("failed to start apt-get")?;
    if !status.success() {
        bail!(
            "none of {} has docker-compose {VERSION}",
            SUITES.join(" and ")
        );
    }
    let package = packages(&apt)?
        .pop()
        .context("apt-get downloaded nothing")?;
    let mut unpack = Command::new("dpkg-deb");
    unpack.arg("--extract").arg(package).arg(tools.join("root"));
    must(unpack)?;
    // Lists and package are only in the way.
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
