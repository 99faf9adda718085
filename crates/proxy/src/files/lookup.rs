//! Opens files beneath a directory, and nothing outside of it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

/// A regular file that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) length: u64,
    /// What changes when the file does.
    pub(super) identity: Identity,
}

/// Device, inode, size, and the times of the last changes in nanoseconds.
pub(super) type Identity = (u64, u64, u64, i64, i64);

/// What stands at a path.
#[derive(Debug)]
pub(super) enum Found {
    File(Opened),
    Directory,
}

/// A handle of a directory.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn open_root(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

/// Opens what stands at a relative path. `None` when nothing does, or nothing that may be served.
///
/// # Errors
/// When the file system fails.
pub(super) fn open_beneath(
    root: &OwnedFd,
    root_path: &Path,
    path: &str,
) -> io::Result<Option<Found>> {
    let path = if path.is_empty() {
        "."
    } else {
        path.trim_end_matches('/')
    };
    // Not waiting: a FIFO would block the worker.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    use rustix::io::Errno;
    let fd = match rustix::fs::openat2(root.as_fd(), path, flags, Mode::empty(), resolve) {
        Ok(fd) => fd,
        Err(Errno::NOSYS | Errno::PERM) => match open_checked(root_path, path)? {
            Some(fd) => fd,
            None => return Ok(None),
        },
        Err(
            Errno::NOENT
            | Errno::NOTDIR
            | Errno::XDEV
            | Errno::LOOP
            | Errno::NAMETOOLONG
            | Errno::ACCESS
            | Errno::NXIO,
        ) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let file = File::from(fd);
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Ok(Some(Found::Directory));
    }
    if !metadata.is_file() {
        return Ok(None);
    }
    let nanos = |seconds: i64, nanos: i64| seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos);
    Ok(Some(Found::File(Opened {
        length: metadata.len(),
        identity: (
            metadata.dev(),
            metadata.ino(),
            metadata.len(),
            nanos(metadata.mtime(), metadata.mtime_nsec()),
            nanos(metadata.ctime(), metadata.ctime_nsec()),
        ),
        file,
    })))
}

/// Where the kernel or a sandbox has no `openat2`: resolves first, then opens what was resolved. A
/// release does not change while it is served, so nothing can be swapped in between.
fn open_checked(root: &Path, path: &str) -> io::Result<Option<OwnedFd>> {
    let resolved = match (root.canonicalize(), root.join(path).canonicalize()) {
        (Ok(root), Ok(resolved)) if resolved.starts_with(&root) => resolved,
        _ => return Ok(None),
    };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    match rustix::fs::openat(CWD, &resolved, flags, Mode::empty()) {
        Ok(fd) => Ok(Some(fd)),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::ACCESS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
