//! Docker Compose 2.40, which knows what Compose files mean.
//!
//! Debian 12 has none that is new enough. A newer suite has.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{cache, newer};

/// The variable that names the program to the tests.
pub const COMPOSE_ORACLE: &str = "LANDFALL_COMPOSE_ORACLE";

/// The version whose answers are the reference.
const VERSION: &str = "2.40";

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
        newer::unpack(&tools, &[&format!("docker-compose={VERSION}*")])
            .with_context(|| format!("failed to install Docker Compose {VERSION}"))?;
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
