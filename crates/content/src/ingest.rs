//! Taking files into the store.
//!
//! Content is hashed by a few threads, written to a scratch directory, made durable all at once,
//! and only then given its names; the tree's index comes last. Killed at any moment, this leaves
//! nothing but a scratch directory, or complete blobs that no tree names yet.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use landfall_model::Digest;
use rustix::io::Errno;

use crate::blob::{self, Compressor, Form};
use crate::disk::{create_new, sync_all, sync_directory, write_durably};
use crate::error::{ContentError, Context as _};
use crate::exclude::Exclude;
use crate::hold::Hold;
use crate::index::{Entry, EntryKind, TreeIndex};
use crate::parallel::for_each;
use crate::path::TreePath;
use crate::scan::{Found, Planned, scan};
use crate::scratch::Scratch;
use crate::store::ContentStore;

/// Files up to this size are read once, whole.
const IN_MEMORY: u64 = 4 << 20;

/// A directory or file, and its place in the tree.
#[derive(Debug, Clone, Copy)]
pub struct TreeSource<'a> {
    /// On this machine. A symbolic link is followed here, and only here.
    pub from: &'a Path,
    /// In the tree; `.` is its root.
    pub to: &'a str,
}

/// A tree that the store holds now.
#[derive(Debug, Clone)]
pub struct Ingested {
    /// The tree.
    pub digest: Digest,
    /// Files in it.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Of these, bytes that the store did not hold before.
    pub new_bytes: u64,
    /// Keeps the tree from garbage collection; see [`Hold`].
    pub hold: Hold,
}

impl ContentStore {
    /// Takes a tree into the store. Times and owners are not kept, permission bits are; a link
    /// whose target is shipped to another place is rewritten to lead there.
    ///
    /// # Errors
    /// When a source cannot be read, changes meanwhile, holds what a tree cannot, or the disk is
    /// full. The store then holds no new tree.
    pub fn ingest(
        &self,
        sources: &[TreeSource<'_>],
        exclude: &Exclude,
    ) -> Result<Ingested, ContentError> {
        let _shared = self.share()?;
        let found = scan(sources, exclude)?;
        let batch = Batch::new(self)?;
        let contents = batch.add_all(&found)?;
        let index = index_of(&found, &contents)?;
        let new_bytes = batch.publish()?;
        let digest = index.digest();
        let hold = Hold::take(&self.holds(), &digest)?;
        let path = self.tree_path(&digest);
        // Written even where one is: it may be damaged.
        write_durably(&batch.scratch.path().join("index"), &path, &index.encode())?;
        let (files, bytes) = index.totals();
        Ok(Ingested {
            digest,
            files,
            bytes,
            new_bytes,
            hold,
        })
    }
}

/// Digest and size of each file, by its source.
type Contents = BTreeMap<PathBuf, (Digest, u64)>;

fn index_of(found: &Found, contents: &Contents) -> Result<TreeIndex, ContentError> {
    for (path, second) in &found.doubles {
        if let Some(Planned::File { source, .. }) = found.entries.get(path)
            && contents.get(source) != contents.get(second)
        {
            return Err(ContentError::Conflict {
                path: path.clone(),
                first: source.clone(),
                second: second.clone(),
            });
        }
    }
    let entry = |(path, planned): (&TreePath, &Planned)| {
        let kind = match planned {
            Planned::Directory { mode } => EntryKind::Directory { mode: *mode },
            Planned::Symlink { target, .. } => EntryKind::Symlink {
                target: target.clone(),
            },
            Planned::File { source, mode } => {
                let (digest, size) = contents[source];
                EntryKind::File {
                    mode: *mode,
                    size,
                    digest,
                }
            }
        };
        Entry {
            path: path.clone(),
            kind,
        }
    };
    Ok(TreeIndex::new(found.entries.iter().map(entry).collect())?)
}

/// Blobs on their way into the store.
struct Batch<'a> {
    store: &'a ContentStore,
    scratch: Scratch,
    /// Blobs that this batch writes, so that equal files are written once.
    claimed: Mutex<HashSet<Digest>>,
    /// Finished files: where they are, and where they go.
    written: Mutex<Vec<(PathBuf, PathBuf)>>,
    new_bytes: AtomicU64,
}

impl<'a> Batch<'a> {
    fn new(store: &'a ContentStore) -> Result<Self, ContentError> {
        Ok(Self {
            store,
            scratch: store.scratch()?,
            claimed: Mutex::default(),
            written: Mutex::default(),
            new_bytes: AtomicU64::new(0),
        })
    }

    fn add_all(&self, found: &Found) -> Result<Contents, ContentError> {
        let first = found.entries.values().filter_map(|planned| match planned {
            Planned::File { source, .. } => Some(source),
            Planned::Directory { .. } | Planned::Symlink { .. } => None,
        });
        let doubles = found.doubles.iter().map(|(_, source)| source);
        // A set: two sources may ship one file to two places.
        let sources: Vec<&PathBuf> = first
            .chain(doubles)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let contents = Mutex::new(Contents::new());
        for_each(
            &sources,
            || {
                Ok(Worker {
                    batch: self,
                    compressor: Compressor::new().context("prepare", Path::new("zstd"))?,
                })
            },
            |worker, source| {
                let content = worker.add(source)?;
                lock(&contents).insert((*source).clone(), content);
                Ok(())
            },
        )?;
        Ok(contents
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// Makes everything durable, then visible. The number of new bytes.
    fn publish(&self) -> Result<u64, ContentError> {
        let written = std::mem::take(&mut *lock(&self.written));
        sync_all(
            self.scratch.handle(),
            written.iter().map(|(temp, _)| temp.as_path()),
        )?;
        let mut directories = BTreeSet::new();
        for (temp, path) in &written {
            let directory = path.parent().unwrap_or(path);
            if directories.insert(directory.to_owned()) {
                fs::create_dir_all(directory).context("make", directory)?;
            }
            fs::rename(temp, path).context("rename into place", path)?;
        }
        sync_all(
            self.scratch.handle(),
            directories.iter().map(PathBuf::as_path),
        )?;
        if !directories.is_empty() {
            sync_directory(&self.store.blobs())?;
        }
        Ok(self.new_bytes.load(Ordering::Relaxed))
    }
}

/// One thread's share of the work.
struct Worker<'a> {
    batch: &'a Batch<'a>,
    compressor: Compressor,
}

impl Worker<'_> {
    /// Digest and size of a file, whose content is in the batch or the store afterwards.
    fn add(&mut self, source: &Path) -> Result<(Digest, u64), ContentError> {
        let mut file = open_regular(source)?;
        let before = Stamp::of(&file, source)?;
        let content = if before.size <= IN_MEMORY {
            self.add_small(&mut file, source, before.size)?
        } else {
            self.add_large(&mut file, source)?
        };
        if content.1 != before.size || Stamp::of(&file, source)? != before {
            return Err(changed(source));
        }
        Ok(content)
    }

    fn add_small(
        &mut self,
        file: &mut File,
        source: &Path,
        size: u64,
    ) -> Result<(Digest, u64), ContentError> {
        let mut bytes = Vec::with_capacity(size as usize + 1);
        // One more than expected, to notice growth without reading on for ever.
        file.take(size + 1)
            .read_to_end(&mut bytes)
            .context("read", source)?;
        let content = (Digest::of(&bytes), bytes.len() as u64);
        if self.is_new(&content.0) {
            let packed = (!self.batch.store.reflinks())
                .then(|| self.compressor.compress(&bytes))
                .flatten();
            let (form, stored) = match &packed {
                Some(packed) => (Form::Zstd, packed),
                None => (Form::Raw, &bytes),
            };
            self.write(content, form, |out| out.write_all(stored))?;
        }
        Ok(content)
    }

    fn add_large(&mut self, file: &mut File, source: &Path) -> Result<(Digest, u64), ContentError> {
        let mut hasher = blake3::Hasher::new();
        let size = io::copy(file, &mut hasher).context("read", source)?;
        let digest = Digest::from_bytes(*hasher.finalize().as_bytes());
        if !self.is_new(&digest) {
            return Ok((digest, size));
        }
        file.rewind().context("read", source)?;
        let mut start = vec![0; 64 << 10];
        let read = file.read(&mut start).context("read", source)?;
        file.rewind().context("read", source)?;
        let form = if !self.batch.store.reflinks() && self.compressor.is_worth(&start[..read]) {
            Form::Zstd
        } else {
            Form::Raw
        };
        // Hashed again on the way: what is stored under a digest has it.
        let mut again = Hashing::new(file);
        self.write((digest, size), form, |out| match form {
            Form::Raw => io::copy(&mut again, out).map(drop),
            Form::Zstd => {
                let mut encoder = blob::encoder(out)?;
                io::copy(&mut again, &mut encoder)?;
                encoder.finish().map(drop)
            }
        })?;
        if again.hasher.finalize().as_bytes() != digest.as_bytes() {
            return Err(changed(source));
        }
        Ok((digest, size))
    }

    /// Whether this worker is the one that has to write the content.
    fn is_new(&self, digest: &Digest) -> bool {
        blob::find(&self.batch.store.blobs(), digest).is_none()
            && lock(&self.batch.claimed).insert(*digest)
    }

    fn write(
        &self,
        (digest, size): (Digest, u64),
        form: Form,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), ContentError> {
        let temp = self.batch.scratch.path().join(digest.hex());
        let mut out = create_new(&temp)?;
        fill(&mut out).context("write", &temp)?;
        let path = blob::path(&self.batch.store.blobs(), &digest, form);
        lock(&self.batch.written).push((temp, path));
        self.batch.new_bytes.fetch_add(size, Ordering::Relaxed);
        Ok(())
    }
}

/// A reader that hashes what passes.
struct Hashing<'a> {
    file: &'a mut File,
    hasher: blake3::Hasher,
}

impl<'a> Hashing<'a> {
    fn new(file: &'a mut File) -> Self {
        Self {
            file,
            hasher: blake3::Hasher::new(),
        }
    }
}

impl io::Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

/// What changes when a file does.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &File, path: &Path) -> Result<Self, ContentError> {
        let metadata = file.metadata().context("read", path)?;
        Ok(Self {
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// Opens what was a regular file a moment ago, and must still be one.
fn open_regular(path: &Path) -> Result<File, ContentError> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path);
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(changed(path)),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            Err(changed(path))
        }
        opened => {
            let file = opened.context("open", path)?;
            if file.metadata().context("read", path)?.is_file() {
                Ok(file)
            } else {
                Err(changed(path))
            }
        }
    }
}

fn changed(path: &Path) -> ContentError {
    ContentError::Changed {
        path: path.to_owned(),
    }
}

/// A panic of another thread leaves nothing half-done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
