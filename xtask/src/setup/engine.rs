//! A Docker Engine that is newer than Debian 12's: images have to go from either to the other.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{cache, newer};

/// The variable that tells the tests where its programs are.
pub const NEWER_ENGINE: &str = "LANDFALL_NEWER_ENGINE";

/// The version that the tests are written for.
const VERSION: &str = "28.";

/// What it needs of its own; the system's runc serves it as well.
const PROGRAMS: [&str; 3] = [
    "sbin/dockerd",
    "bin/containerd",
    "bin/containerd-shim-runc-v2",
];

/// Makes sure of it; the directory of its programs.
///
/// # Errors
/// When it is missing and cannot be had.
pub fn newer_engine() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(NEWER_ENGINE) {
        let given = PathBuf::from(given);
        if !is_right(&given) {
            bail!(
                "{NEWER_ENGINE} is {}, which has no Docker Engine {VERSION}x",
                given.display()
            );
        }
        return Ok(given);
    }
    let tools = cache().join(format!("engine-{VERSION}x"));
    let programs = tools.join("programs");
    if !is_right(&programs) {
        install(&tools, &programs)
            .with_context(|| format!("failed to install Docker Engine {VERSION}x"))?;
        if !is_right(&programs) {
            bail!("{} has no Docker Engine {VERSION}x", programs.display());
        }
    }
    Ok(programs)
}

fn is_right(programs: &Path) -> bool {
    let output = Command::new(programs.join("dockerd"))
        .arg("--version")
        .output();
    output.is_ok_and(|output| {
        let version = String::from_utf8_lossy(&output.stdout);
        output.status.success() && version.contains(&format!("version {VERSION}"))
    })
}

fn install(tools: &Path, programs: &Path) -> Result<()> {
    newer::unpack(tools, &[&format!("docker.io={VERSION}*"), "containerd"])?;
    std::fs::create_dir_all(programs)?;
    for program in PROGRAMS {
        let from = tools.join("root/usr").join(program);
        let name = from.file_name().context("a program has a name")?;
        std::fs::rename(&from, programs.join(name))
            .with_context(|| format!("failed to move {}", from.display()))?;
    }
    // Its client and documentation are only in the way.
    let _ = std::fs::remove_dir_all(tools.join("root"));
    Ok(())
}
