//! Laying a tree out as files.
//!
//! The tree is built under a temporary name beside its place, made durable, and renamed: its place
//! holds the whole tree or nothing. Every step is taken from an open directory, following no link,
//! so that nothing is written anywhere else, whoever else is at work there. Links come last.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use landfall_model::Digest;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::disk::sync_directory;
use crate::error::{ContentError, Context as _};
use crate::index::{Entry, EntryKind, TreeIndex};
use crate::parallel::for_each;
use crate::path::TreePath;
use crate::reader::{BlobReader, Outcome};
use crate::scratch::{Scratch, remove_stale};
use crate::store::ContentStore;

/// Begins the name of a tree that is not finished. No release number does.
const PARTIAL_PREFIX: &str = ".landfall-partial-";
/// Files that one thread takes at a time: their directory is walked to once.
const GROUP: usize = 64;
const ROOT_MODE: u32 = 0o755;

/// A tree that was laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Materialised {
    /// Files in it.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Of the files, those that share blocks with the store until they are written to.
    pub reflinked: u64,
}

impl ContentStore {
    /// Lays a tree out at `dest`, which must not exist; its parent is made where there is none.
    ///
    /// # Errors
    /// When the store lacks it or part of it, something is at `dest`, or the disk is full. Then
    /// nothing is at `dest` that was not before.
    pub fn materialise(&self, digest: &Digest, dest: &Path) -> Result<Materialised, ContentError> {
        let _shared = self.share()?;
        let index = self.tree(digest)?;
        if dest.symlink_metadata().is_ok() {
            return Err(ContentError::Exists(dest.to_owned()));
        }
        let parent = match dest.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).context("make", parent)?;
        remove_stale(parent, PARTIAL_PREFIX);
        let scratch = Scratch::create(parent, PARTIAL_PREFIX)?;
        let layout = Layout {
            root: scratch.handle(),
            index: &index,
            tree: *digest,
            dest,
        };
        let reflinked = layout.fill(self)?;
        rustix::fs::syncfs(scratch.handle()).context("sync", dest)?;
        rename_new(scratch.path(), dest)?;
        scratch.keep();
        sync_directory(parent)?;
        let (files, bytes) = index.totals();
        Ok(Materialised {
            files,
            bytes,
            reflinked,
        })
    }
}

struct Layout<'a> {
    root: &'a File,
    index: &'a TreeIndex,
    tree: Digest,
    /// For messages.
    dest: &'a Path,
}

impl Layout<'_> {
    /// Makes everything. The number of reflinked files.
    fn fill(&self, store: &ContentStore) -> Result<u64, ContentError> {
        self.make_directories()?;
        let reflinked = AtomicU64::new(0);
        for_each(
            &self.groups(),
            || Ok(BlobReader::new(store)),
            |reader, group| {
                let made = self.make_files(reader, group)?;
                reflinked.fetch_add(made, Ordering::Relaxed);
                Ok(())
            },
        )?;
        self.make_links()?;
        self.set_directory_modes()?;
        Ok(reflinked.into_inner())
    }

    fn make_directories(&self) -> Result<(), ContentError> {
        for entry in self.index.entries() {
            if let EntryKind::Directory { .. } = entry.kind {
                let parent = self.open_parent(&entry.path)?;
                // Its own mode comes last: until then it has to be writable.
                rustix::fs::mkdirat(&parent, entry.path.name(), Mode::RWXU)
                    .context("make", &self.place(&entry.path))?;
            }
        }
        Ok(())
    }

    /// The files, in groups that share a directory.
    fn groups(&self) -> Vec<Vec<&Entry>> {
        let mut files: Vec<&Entry> = self
            .index
            .entries()
            .iter()
            .filter(|entry| matches!(entry.kind, EntryKind::File { .. }))
            .collect();
        files.sort_by_cached_key(|entry| entry.path.parent());
        files
            .chunk_by(|a, b| a.path.parent() == b.path.parent())
            .flat_map(|siblings| siblings.chunks(GROUP))
            .map(<[_]>::to_vec)
            .collect()
    }

    fn make_files(
        &self,
        reader: &mut BlobReader<'_>,
        group: &[&Entry],
    ) -> Result<u64, ContentError> {
        let Some(first) = group.first() else {
            return Ok(0);
        };
        let directory = self.open_parent(&first.path)?;
        let mut reflinked = 0;
        for entry in group {
            let EntryKind::File { mode, size, digest } = entry.kind else {
                continue;
            };
            let place = self.place(&entry.path);
            let flags =
                OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(
                &directory,
                entry.path.name(),
                flags,
                Mode::RUSR | Mode::WUSR,
            )
            .context("create", &place)?;
            let mut file = File::from(file);
            match reader.extract(&digest, size, &mut file, &place)? {
                Outcome::Copied => {}
                Outcome::Reflinked => reflinked += 1,
                Outcome::Absent => return Err(self.no_blob(entry, digest)),
            }
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))
                .context("set the mode of", &place)?;
        }
        Ok(reflinked)
    }

    fn make_links(&self) -> Result<(), ContentError> {
        for entry in self.index.entries() {
            if let EntryKind::Symlink { target } = &entry.kind {
                let parent = self.open_parent(&entry.path)?;
                rustix::fs::symlinkat(OsStr::from_bytes(target), &parent, entry.path.name())
                    .context("link", &self.place(&entry.path))?;
            }
        }
        Ok(())
    }

    fn set_directory_modes(&self) -> Result<(), ContentError> {
        // Children first, while their parents can still be entered.
        for entry in self.index.entries().iter().rev() {
            if let EntryKind::Directory { mode } = entry.kind {
                let parent = self.open_parent(&entry.path)?;
                open_directory(parent.as_fd(), entry.path.name())
                    .and_then(|found| rustix::fs::fchmod(&found, Mode::from_raw_mode(mode)))
                    .context("set the mode of", &self.place(&entry.path))?;
            }
        }
        rustix::fs::fchmod(self.root, Mode::from_raw_mode(ROOT_MODE))
            .context("set the mode of", self.dest)
    }

    /// The directory that holds `path`, reached from the root one name at a time.
    fn open_parent(&self, path: &TreePath) -> Result<OwnedFd, ContentError> {
        let mut open =
            open_directory(self.root.as_fd(), OsStr::new(".")).context("open", self.dest)?;
        let mut names: Vec<&[u8]> = path.segments().collect();
        names.pop();
        for name in names {
            open = open_directory(open.as_fd(), OsStr::from_bytes(name))
                .context("open", &self.place(path))?;
        }
        Ok(open)
    }

    fn place(&self, path: &TreePath) -> std::path::PathBuf {
        self.dest.join(path.as_path())
    }

    fn no_blob(&self, entry: &Entry, blob: Digest) -> ContentError {
        ContentError::NoBlob {
            tree: self.tree,
            path: entry.path.clone(),
            blob,
        }
    }
}

fn open_directory(parent: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

/// Renames where nothing is in the way.
fn rename_new(from: &Path, to: &Path) -> Result<(), ContentError> {
    let cwd = rustix::fs::CWD;
    match rustix::fs::renameat_with(cwd, from, cwd, to, RenameFlags::NOREPLACE) {
        Err(Errno::EXIST) => Err(ContentError::Exists(to.to_owned())),
        // Filesystems without that flag replace an empty directory at most.
        Err(Errno::INVAL | Errno::NOSYS) => {
            if rustix::fs::statat(cwd, to, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                return Err(ContentError::Exists(to.to_owned()));
            }
            fs::rename(from, to).context("rename into place", to)
        }
        renamed => renamed.context("rename into place", to),
    }
}
