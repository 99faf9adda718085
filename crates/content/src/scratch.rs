//! Directories for what is not finished yet.
//!
//! Each is locked by the process that fills it, so that what a killed process left behind can be
//! told from what a live one is at, and removed.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::disk::try_lock;
use crate::error::{ContentError, Context as _};

/// A directory of this process alone; removed with all it holds unless it is kept.
#[derive(Debug)]
pub(crate) struct Scratch {
    // Declared first so that it is removed while the lock is still held.
    directory: TempDir,
    lock: File,
}

impl Scratch {
    /// Makes one in `parent`.
    pub(crate) fn create(parent: &Path, prefix: &str) -> Result<Self, ContentError> {
        loop {
            let directory = tempfile::Builder::new()
                .prefix(prefix)
                .rand_bytes(12)
                .tempdir_in(parent)
                .context("make a temporary directory in", parent)?;
            let path = directory.path();
            // Between making and locking it, another process may take it for a leftover.
            let Ok(lock) = File::open(path) else { continue };
            if try_lock(&lock).context("lock", path)? && is_at(&lock, path) {
                return Ok(Self { directory, lock });
            }
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The directory, open.
    pub(crate) fn handle(&self) -> &File {
        &self.lock
    }

    /// Lets it stay, usually because it got its final name.
    pub(crate) fn keep(self) -> PathBuf {
        self.directory.keep()
    }
}

/// Removes what killed processes left in `parent`. What cannot be removed is left for next time.
pub(crate) fn remove_stale(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let path = entry.path();
        let Ok(handle) = File::open(&path) else {
            continue;
        };
        if !matches!(try_lock(&handle), Ok(true)) {
            continue;
        }
        let removed = if handle.metadata().is_ok_and(|found| found.is_dir()) {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        if let Err(error) = removed {
            tracing::warn!(path = %path.display(), %error, "a leftover stays");
        }
    }
}

/// Whether `path` still names the open file.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}
