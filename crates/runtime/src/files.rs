//! Files that are either whole or not there: temp, fsync, rename.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a file that only its owner may read. A reader, or a crash, finds the old content or the
/// new one.
///
/// # Errors
/// When any step fails; the old file is then still in place.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let temp = path.with_extension("tmp");
    let written = write_synced(&temp, content).and_then(|()| std::fs::rename(&temp, path));
    if written.is_err() {
        // What is left of a failed attempt would keep space that the next attempt may need.
        let _ = std::fs::remove_file(&temp);
        return written;
    }
    sync_parent(path)
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
