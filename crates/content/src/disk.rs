//! The few disk operations that durability and locking rest on.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::{Errno, retry_on_intr};

use crate::error::{ContentError, Context as _};

/// Above this many new files one `syncfs` is quicker than an `fsync` for each. Below it, a small
/// change does not wait for whatever else the machine has yet to write.
const SYNC_WHOLE_FROM: usize = 24;

/// Makes files or directories durable: their content, or the names in them. `root` is any open
/// directory of their filesystem.
pub(crate) fn sync_all<'a>(
    root: &File,
    paths: impl ExactSizeIterator<Item = &'a Path>,
) -> Result<(), ContentError> {
    if paths.len() >= SYNC_WHOLE_FROM {
        return rustix::fs::syncfs(root).context("sync the filesystem of", Path::new("the store"));
    }
    for path in paths {
        File::open(path)
            .and_then(|file| file.sync_all())
            .context("sync", path)?;
    }
    Ok(())
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<(), ContentError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .context("sync", path)
}

/// Writes `bytes` to `path` so that it has either all of them or does not exist. `temp` is on the
/// same filesystem and belongs to the caller.
pub(crate) fn write_durably(temp: &Path, path: &Path, bytes: &[u8]) -> Result<(), ContentError> {
    let mut file = create_new(temp)?;
    file.write_all(bytes).context("write", temp)?;
    file.sync_all().context("sync", temp)?;
    fs::rename(temp, path).context("rename into place", path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Creates a file that nobody else has.
pub(crate) fn create_new(path: &Path) -> Result<File, ContentError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .context("create", path)
}

/// Takes a lock without waiting. False when another open file has it.
pub(crate) fn try_lock(file: impl AsFd) -> Result<bool, Errno> {
    match retry_on_intr(|| {
        rustix::fs::flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive)
    }) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether files of `directory` can share their blocks until one is written to.
pub(crate) fn can_reflink(directory: &Path) -> bool {
    let probe = || {
        let mut from = tempfile::tempfile_in(directory)?;
        from.write_all(b"reflink?")?;
        let to = tempfile::tempfile_in(directory)?;
        rustix::fs::ioctl_ficlone(&to, &from)?;
        Ok::<(), std::io::Error>(())
    };
    probe().is_ok()
}
