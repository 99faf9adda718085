//! Starting an instance: its directory, its spec, its shim.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::process::Stdio;
use std::time::Duration;

use landfall_model::env::EnvValues;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::client::{Client, is_unknown};
use super::observe::reach;
use super::sweep;
use crate::protocol::Request;
use crate::record::InstanceDir;
use crate::shim::ALREADY_SUPERVISED;
use crate::{InstanceSpec, InstanceState, RuntimeError};

/// How long a shim may take until it supervises its app: a loaded machine and a slow disk included.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Starts an instance that is not supervised.
pub(super) async fn start(
    dir: &InstanceDir,
    shim: &[String],
    spec: &InstanceSpec,
    env: &EnvValues,
) -> Result<(), RuntimeError> {
    let failed = |message: String| RuntimeError::Start {
        id: spec.id.clone(),
        message,
    };
    check(spec, env).map_err(failed)?;
    if !is_unknown(dir) && is_supervised(dir, spec).await? {
        return Ok(());
    }
    prepare(dir, spec).await.map_err(|(what, error)| {
        failed(format!(
            "failed to {what} {}: {error}",
            dir.path().display()
        ))
    })?;
    match timeout(READY_WITHIN, launch(dir, shim, env)).await {
        Ok(outcome) => outcome.map_err(failed),
        Err(_) => Err(failed("the shim was not ready in time".to_owned())),
    }
}

/// Whether there is nothing to do. What another run left behind is cleaned up on the way.
async fn is_supervised(dir: &InstanceDir, spec: &InstanceSpec) -> Result<bool, RuntimeError> {
    while let Some(answer) = reach(dir, &spec.id).await? {
        if !answer.stopping && answer.status.state != InstanceState::Exited {
            return Ok(true);
        }
        // On its way out; what is started is the one after it.
        if let Ok(mut client) = Client::send(dir, &Request::Watch).await {
            client.ended().await;
        }
    }
    match sweep::settle(dir, &spec.id).await {
        // No record to be read: no run that could have left anything.
        Ok(_) | Err(RuntimeError::Io { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn check(spec: &InstanceSpec, env: &EnvValues) -> Result<(), String> {
    let Some((argv, dir)) = spec.run.process() else {
        return Err("it is a container, which no shim can keep".to_owned());
    };
    if argv.is_empty() {
        return Err("there is no program to run".to_owned());
    }
    if !dir.is_absolute() {
        return Err(format!(
            "working directory {} is not absolute",
            dir.display()
        ));
    }
    let is_bad = |name: &str| name.is_empty() || name.contains(['=', '\0']);
    match env
        .iter()
        .find(|(name, value)| is_bad(name) || value.reveal().contains('\0'))
    {
        Some((name, _)) => Err(format!("variable {name:?} cannot be given to a process")),
        None => Ok(()),
    }
}

async fn prepare(dir: &InstanceDir, spec: &InstanceSpec) -> Result<(), (&'static str, io::Error)> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir.path())
        .map_err(|error| ("make", error))?;
    dir.write_spec(spec)
        .map_err(|error| ("write spec.json in", error))
}

/// Runs the launcher, which returns when the shim is ready. The environment of the app goes by its
/// standard input; of the agent's own the shim gets nothing.
async fn launch(dir: &InstanceDir, shim: &[String], env: &EnvValues) -> Result<(), String> {
    let (program, args) = shim.split_first().ok_or("no shim program is configured")?;
    let cannot = |error: io::Error| format!("failed to run {program}: {error}");
    let env = serde_json::to_vec(env).map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .args(args)
        .arg("--dir")
        .arg(dir.path())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that fails early does not read it all, and says why on its own.
        let _ = stdin.write_all(&env).await;
    }
    let output = child.wait_with_output().await.map_err(cannot)?;
    match output.status.code() {
        Some(0 | ALREADY_SUPERVISED) => Ok(()),
        _ => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.trim();
            Err(if said.is_empty() {
                format!("the shim ended with {}", output.status)
            } else {
                said.to_owned()
            })
        }
    }
}
