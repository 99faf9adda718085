//! Keeps two starts of the agent apart. The lock dies with the process that holds it.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use crate::command_error::{CommandError, CommandResult, ErrorKind};

/// Longer than a start and a stop together may take.
const TAKE_WITHIN: Duration = Duration::from_secs(60);
const TRY_EVERY: Duration = Duration::from_millis(20);

/// Takes the lock; it is held until the file is dropped.
pub(super) async fn take(path: &Path) -> CommandResult<File> {
    let failed = |error: std::io::Error| {
        CommandError::from(error).during(format!("failed to lock {}", path.display()))
    };
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let deadline = Instant::now() + TAKE_WITHIN;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => {
                tokio::time::sleep(TRY_EVERY).await;
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let message = "another landfall command has been starting or stopping the agent \
                               for a minute";
                return Err(CommandError::new(ErrorKind::Unreachable, message));
            }
            Err(error) => return Err(failed(error.into())),
        }
    }
}
