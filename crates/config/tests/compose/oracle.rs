//! Compose itself, which knows what its files mean.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::Case;

/// Names the program; `cargo xtask test` installs it and sets this.
const VARIABLE: &str = "LANDFALL_COMPOSE_ORACLE";

/// What Compose makes of a case: the document, or why it refuses.
pub fn config(case: &Case) -> Result<Value, String> {
    let program = std::env::var_os(VARIABLE).unwrap_or_else(|| {
        panic!(
            "{VARIABLE} does not name Docker Compose 2.40: `cargo xtask test` installs it, and \
             `cargo xtask compose-oracle` prints where it is"
        )
    });
    let mut command = Command::new(program);
    for profile in &case.profiles {
        command.args(["--profile", profile]);
    }
    for file in &case.files {
        command.args(["-f", file]);
    }
    command.args(["config", "--format", "json"]);
    let output = command
        .current_dir(&case.directory)
        .env_clear()
        .envs(case.environment())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
