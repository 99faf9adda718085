//! The lock that makes an instance one: held by its shim, on the instance's directory itself, so
//! that there is no lock file to remove. The kernel gives it up when the shim dies, however it does.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The lock, held as long as this lives.
#[derive(Debug)]
pub(crate) struct InstanceLock(File);

impl InstanceLock {
    /// Takes the lock; `None` when another shim has it.
    ///
    /// # Errors
    /// When the directory cannot be opened or locked at all.
    pub fn take(dir: &Path) -> io::Result<Option<Self>> {
        let file = File::open(dir)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The directory that is locked.
    pub fn dir(&self) -> &File {
        &self.0
    }
}

/// Whether a shim holds the lock. Asks with a shared lock that is given up at once, so that
/// askers do not see each other.
pub(crate) fn is_held(dir: &Path) -> io::Result<bool> {
    let file = File::open(dir)?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}
