//! What instances are: asked of the shim while it lives, read from its record when it is gone.

use std::io;
use std::path::Path;
use std::time::Duration;

use landfall_model::InstanceId;
use tokio::time::{Instant, sleep};

use super::client::{Answer, Client, ask, has_shim, is_unknown};
use super::{io_error, shim_error, shims, sweep};
use crate::protocol::Request;
use crate::record::InstanceDir;
use crate::{InstanceState, InstanceStatus, RuntimeError};

/// How long a shim that lives may be unreachable: it puts a removed socket back within a second,
/// on a loaded machine somewhat later.
const UNREACHABLE_FOR: Duration = Duration::from_secs(5);

/// How often something is looked at for which there is no event.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// What an instance is.
pub(super) async fn status(
    dir: &InstanceDir,
    id: &InstanceId,
) -> Result<InstanceStatus, RuntimeError> {
    if is_unknown(dir) {
        return Err(RuntimeError::NotFound(id.clone()));
    }
    match reach(dir, id).await? {
        Some(answer) => Ok(answer.status),
        None => sweep::settle(dir, id).await,
    }
}

/// Asks the shim; `None` when there is none.
///
/// # Errors
/// When there is one that cannot be reached and has left no record either.
pub(super) async fn reach(
    dir: &InstanceDir,
    id: &InstanceId,
) -> Result<Option<Answer>, RuntimeError> {
    let deadline = Instant::now() + UNREACHABLE_FOR;
    loop {
        if !has_shim(dir).map_err(io_error("lock", dir.path()))? {
            return Ok(None);
        }
        let failure = match ask(dir).await {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) => error,
        };
        if Instant::now() < deadline {
            sleep(LOOK_AGAIN).await;
            continue;
        }
        tracing::warn!(instance = %id, error = %failure, "shim runs but cannot be reached");
        return match dir.read_record() {
            Ok(record) => Ok(Some(Answer {
                status: record.status,
                stopping: false,
            })),
            Err(_) => Err(shim_error(
                id,
                format!("runs but cannot be reached: {failure}"),
            )),
        };
    }
}

/// All instances with a directory, and those whose directory is missing under a living shim.
pub(super) async fn list(instances_dir: &Path) -> Result<Vec<InstanceStatus>, RuntimeError> {
    let mut ids = shims::served_below(instances_dir);
    ids.extend(recorded(instances_dir).map_err(io_error("list", instances_dir))?);
    let mut found = Vec::new();
    for id in ids {
        match status(&InstanceDir(instances_dir.join(id.as_str())), &id).await {
            Ok(status) => found.push(status),
            // Removed in between.
            Err(RuntimeError::NotFound(_)) => {}
            Err(error) => {
                tracing::warn!(instance = %id, error = &error as &dyn std::error::Error,
                    "instance has no readable record");
            }
        }
    }
    Ok(found)
}

/// The instances that have a directory; none when there are no instances yet.
fn recorded(instances_dir: &Path) -> io::Result<Vec<InstanceId>> {
    let entries = match std::fs::read_dir(instances_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry?;
        match entry.file_name().to_str().map(str::parse) {
            Some(Ok(id)) if entry.file_type().is_ok_and(|kind| kind.is_dir()) => ids.push(id),
            _ => tracing::warn!(path = %entry.path().display(), "not the directory of an instance"),
        }
    }
    Ok(ids)
}

/// Waits for a change.
pub(super) async fn changed(
    dir: &InstanceDir,
    id: &InstanceId,
    seen: u64,
) -> Result<InstanceStatus, RuntimeError> {
    loop {
        if let Ok(mut client) = Client::send(dir, &Request::Watch).await {
            while let Ok(Some(answer)) = client.next().await {
                if answer.status.seq > seen {
                    return Ok(answer.status);
                }
            }
        }
        // The shim has ended, or has not put its socket back yet.
        let status = status(dir, id).await?;
        if status.seq > seen {
            return Ok(status);
        }
        let is_over = matches!(status.state, InstanceState::Exited | InstanceState::Lost);
        // One that is over changes only when someone starts it again.
        sleep(if is_over { LOOK_AGAIN * 10 } else { LOOK_AGAIN }).await;
    }
}
