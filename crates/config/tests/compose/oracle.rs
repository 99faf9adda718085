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

/// The first place where two documents differ, with both values.
pub fn difference(path: &str, theirs: &Value, ours: &Value) -> Option<String> {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            keys.into_iter().find_map(|key| {
                let path = format!("{path}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => difference(&path, a, b),
                    (a, b) => Some(format!("{path}: {a:?} there, {b:?} here")),
                }
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(index, (a, b))| difference(&format!("{path}[{index}]"), a, b))
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        (a, b) if a == b => None,
        (a, b) => Some(format!("{path}: {a} there, {b} here")),
    }
}
