//! Stopping and removing instances.

use std::io;
use std::time::Duration;

use landfall_model::InstanceId;
use landfall_model::spec::StopSpec;
use tokio::time::{Instant, sleep, timeout};

use super::client::{Client, has_shim, is_unknown};
use super::observe::{LOOK_AGAIN, status};
use super::{io_error, shim_error, sweep};
use crate::protocol::Request;
use crate::record::InstanceDir;
use crate::{InstanceState, RuntimeError};

/// What a shim gets beyond the grace time to kill, record and end, before it counts as hanging.
const BEYOND_GRACE: Duration = Duration::from_secs(20);

/// Stops an instance and returns when it is gone.
pub(super) async fn stop(
    dir: &InstanceDir,
    id: &InstanceId,
    stop: &StopSpec,
) -> Result<(), RuntimeError> {
    if is_unknown(dir) {
        return Ok(());
    }
    let patience = stop.grace.saturating_add(BEYOND_GRACE);
    if timeout(patience, ask_until_gone(dir, stop)).await.is_err() {
        tracing::warn!(instance = %id, "shim did not end in time and is killed");
        kill_shim(dir, id).await?;
    }
    match sweep::settle(dir, id).await {
        // Without a record nothing is known that could be running.
        Ok(_) | Err(RuntimeError::Io { .. } | RuntimeError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Asks the shim, again while its socket is missing, until it is gone.
async fn ask_until_gone(dir: &InstanceDir, stop: &StopSpec) {
    while has_shim(dir).unwrap_or(false) {
        match Client::send(dir, &Request::stop(stop)).await {
            Ok(mut client) => client.ended().await,
            Err(_) => sleep(LOOK_AGAIN).await,
        }
    }
}

async fn kill_shim(dir: &InstanceDir, id: &InstanceId) -> Result<(), RuntimeError> {
    let record = dir.read_record().map_err(io_error("read", dir.state()))?;
    record
        .shim
        .send(libc::SIGKILL)
        .map_err(io_error("kill the shim of", dir.path()))?;
    let deadline = Instant::now() + BEYOND_GRACE;
    while has_shim(dir).unwrap_or(false) {
        if Instant::now() >= deadline {
            return Err(shim_error(id, "cannot be killed"));
        }
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Removes what an ended instance has left on disk.
pub(super) async fn remove(dir: &InstanceDir, id: &InstanceId) -> Result<(), RuntimeError> {
    match status(dir, id).await {
        Err(RuntimeError::NotFound(_)) => return Ok(()),
        Ok(status) if !matches!(status.state, InstanceState::Exited | InstanceState::Lost) => {
            return Err(shim_error(id, "is still running; stop it first"));
        }
        Err(error @ RuntimeError::Shim { .. }) => return Err(error),
        // Ended, or never begun: no shim, no record.
        Ok(_) | Err(_) => {}
    }
    match std::fs::remove_dir_all(dir.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", dir.path())(error))
        }
        _ => Ok(()),
    }
}
