//! Taking files into the store.
//!
//! Content is hashed by a few threads and published as one batch; the tree's index comes last.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use landfall_model::Digest;
use rustix::io::Errno;

use crate::batch::{Batch, BlobWriter, IN_MEMORY, lock};
use crate::blob::{self, Form};
use crate::disk::write_durably;
use crate::error::{ContentError, Context as _};
use crate::exclude::Exclude;
use crate::hold::Hold;
use crate::index::{Entry, EntryKind, TreeIndex};
use crate::parallel::for_each;
use crate::path::TreePath;
use crate::scan::{Found, Planned, scan};
use crate::store::ContentStore;

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
        let contents = add_all(&batch, &found)?;
        let index = index_of(&found, &contents)?;
        let new_bytes = batch.publish()?;
        let digest = index.digest();
        let hold = Hold::take(&self.holds(), &digest)?;
        let path = self.tree_path(&digest);
        // Written even where one is: it may be damaged.
        write_durably(&batch.temp("index"), &path, &index.encode())?;
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

/// Takes the content of all files into the batch.
fn add_all(batch: &Batch<'_>, found: &Found) -> Result<Contents, ContentError> {
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
                writer: BlobWriter::new(batch)?,
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

/// One thread's share of the work.
struct Worker<'a> {
    writer: BlobWriter<'a>,
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
        Ok((self.writer.add_bytes(&bytes)?, bytes.len() as u64))
    }

    fn add_large(&mut self, file: &mut File, source: &Path) -> Result<(Digest, u64), ContentError> {
        let mut hasher = blake3::Hasher::new();
        let size = io::copy(file, &mut hasher).context("read", source)?;
        let digest = Digest::from_bytes(*hasher.finalize().as_bytes());
        if !self.writer.is_new(&digest) {
            return Ok((digest, size));
        }
        file.rewind().context("read", source)?;
        let mut start = vec![0; 64 << 10];
        let read = file.read(&mut start).context("read", source)?;
        file.rewind().context("read", source)?;
        let form = self.writer.form_of(&start[..read]);
        // Hashed again on the way: what is stored under a digest has it.
        let mut again = Hashing::new(file);
        let content = (digest, size);
        self.writer.write(content, form, |out| match form {
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
        Ok(content)
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
