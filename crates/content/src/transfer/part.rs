//! Large files on their way: what has come of each, in `parts/`, by its digest.
//!
//! A part is not content and nothing reads it as such. It is proved whole, by its digest, before it
//! becomes content; what is not what it should be is thrown away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use landfall_model::Digest;
use rustix::fs::FlockOperation;
use rustix::io::retry_on_intr;

use super::SEGMENT;
use super::error::TransferError;
use crate::batch::{BlobWriter, fill};
use crate::blob::{self, Form};
use crate::error::{ContentError, Context as _};
use crate::garbage::list;
use crate::scratch::is_at;
use crate::store::ContentStore;

/// How much of a part tells whether it compresses.
const PROBE: usize = 64 << 10;

/// What has come of a large file. Nobody else writes to it meanwhile.
pub(super) struct Part {
    digest: Digest,
    path: PathBuf,
    file: File,
}

/// How many bytes of a file of `size` have safely come. The last segment always has to come again,
/// so that something makes the part content.
pub(super) fn present(store: &ContentStore, digest: &Digest, size: u64) -> u64 {
    let length = fs::metadata(path(store, digest)).map_or(0, |found| found.len());
    whole(length).min(whole(size.saturating_sub(1)))
}

impl Part {
    /// Opens the part of a file, and waits until it is nobody else's.
    pub fn open(store: &ContentStore, digest: &Digest) -> Result<Self, ContentError> {
        let path = path(store, digest);
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .context("create", &path)?;
            let lock = || rustix::fs::flock(&file, FlockOperation::LockExclusive);
            retry_on_intr(lock).context("lock", &path)?;
            // Whoever had it may have made it content.
            if is_at(&file, &path) {
                let digest = *digest;
                return Ok(Self { digest, path, file });
            }
        }
    }

    /// Adds the segment at `offset`, and makes it durable. One that is there is passed over.
    ///
    /// # Errors
    /// When something before it is missing, or the disk is full. The part is then as it was.
    pub fn add(&self, offset: u64, content: &[u8]) -> Result<(), TransferError> {
        let length = self.file.metadata().context("read", &self.path)?.len();
        let present = whole(length);
        if offset > present {
            return Err(TransferError::Gap {
                blob: self.digest,
                present,
                found: offset,
            });
        }
        if offset < present {
            return Ok(());
        }
        if let Err(error) = self.write(offset, content) {
            // What is beyond whole segments does not count anyway; this frees its space.
            let _ = self.file.set_len(offset);
            return Err(error.into());
        }
        Ok(())
    }

    fn write(&self, offset: u64, content: &[u8]) -> Result<(), ContentError> {
        let written = self.file.write_all_at(content, offset);
        written.context("write", &self.path)?;
        let end = offset + content.len() as u64;
        self.file.set_len(end).context("write", &self.path)?;
        self.file.sync_data().context("sync", &self.path)
    }

    /// Makes the part, of which everything has come, content of a batch. Publish the batch, then
    /// [`remove`](Self::remove) it.
    ///
    /// # Errors
    /// When it is not what its digest says: then it is thrown away. Or when the disk is full: then
    /// the part stays.
    pub fn complete(
        &mut self,
        size: u64,
        writer: &mut BlobWriter<'_>,
    ) -> Result<(), TransferError> {
        let mut hasher = blake3::Hasher::new();
        self.file.rewind().context("read", &self.path)?;
        let read = io::copy(&mut self.file, &mut hasher).context("read", &self.path)?;
        let found = Digest::from_bytes(*hasher.finalize().as_bytes());
        if found != self.digest || read != size {
            self.remove()?;
            return Err(TransferError::WrongContent {
                expected: self.digest,
                found,
            });
        }
        if !writer.is_new(&found) {
            return Ok(());
        }
        let mut start = vec![0; PROBE];
        self.file.rewind().context("read", &self.path)?;
        let filled = fill(&mut self.file, &mut start).context("read", &self.path)?;
        let form = writer.form_of(&start[..filled]);
        match form {
            Form::Raw => writer.adopt((found, size), self.path.clone()),
            Form::Zstd => {
                self.file.rewind().context("read", &self.path)?;
                writer.write((found, size), form, |out| {
                    let mut encoder = blob::encoder(out)?;
                    io::copy(&mut self.file, &mut encoder)?;
                    encoder.finish().map(drop)
                })?;
            }
        }
        Ok(())
    }

    /// Removes it, unless it has become content.
    pub fn remove(&self) -> Result<(), ContentError> {
        if !is_at(&self.file, &self.path) {
            return Ok(());
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.context("remove", &self.path),
        }
    }
}

/// Every part, with what it is of; `None` for a stranger.
pub(crate) fn list_parts(
    store: &ContentStore,
) -> Result<Vec<(PathBuf, Option<Digest>)>, ContentError> {
    let digest_of = |path: PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        let digest = name.and_then(|name| format!("b3:{name}").parse().ok());
        (path, digest)
    };
    Ok(list(&store.parts())?.into_iter().map(digest_of).collect())
}

fn path(store: &ContentStore, digest: &Digest) -> PathBuf {
    store.parts().join(digest.hex())
}

/// Bytes of whole segments.
fn whole(bytes: u64) -> u64 {
    bytes - bytes % SEGMENT
}
