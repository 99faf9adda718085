//! Blobs on their way into the store.
//!
//! Content is written to a scratch directory, made durable all at once, and only then given its
//! names. Killed at any moment, this leaves nothing but a scratch directory, or complete blobs that
//! nothing names yet.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use landfall_model::Digest;

use crate::blob::{self, Compressor, Form};
use crate::disk::{create_new, sync_all, sync_directory};
use crate::error::{ContentError, Context as _};
use crate::scratch::Scratch;
use crate::store::ContentStore;

/// Content up to this size is held in memory, whole.
pub(crate) const IN_MEMORY: u64 = 4 << 20;
/// How much of a stream is read at a time, and tried to tell whether it compresses.
const BUFFER: usize = 64 << 10;

/// Why a stream was not taken.
#[derive(Debug)]
pub(crate) enum StreamError {
    /// It cannot be read.
    Source(io::Error),
    /// The store cannot be written.
    Store(ContentError),
}

impl From<ContentError> for StreamError {
    fn from(error: ContentError) -> Self {
        Self::Store(error)
    }
}

/// Blobs that are to be published together. Several threads may fill one batch.
pub(crate) struct Batch<'a> {
    store: &'a ContentStore,
    scratch: Scratch,
    /// Blobs that this batch writes, so that equal content is written once.
    claimed: Mutex<HashSet<Digest>>,
    /// Finished files: where they are, and where they go.
    written: Mutex<Vec<(PathBuf, PathBuf)>>,
    new_bytes: AtomicU64,
    /// Streams begun: their digest, and so their name, is known only at their end.
    streams: AtomicU64,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(store: &'a ContentStore) -> Result<Self, ContentError> {
        Ok(Self {
            store,
            scratch: store.scratch()?,
            claimed: Mutex::default(),
            written: Mutex::default(),
            new_bytes: AtomicU64::new(0),
            streams: AtomicU64::new(0),
        })
    }

    /// A place for a file that is not content.
    pub(crate) fn temp(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Makes everything durable, then visible. The bytes that are new so far.
    pub(crate) fn publish(&self) -> Result<u64, ContentError> {
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

    fn form(&self, compresses: bool) -> Form {
        match compresses && !self.store.reflinks() {
            true => Form::Zstd,
            false => Form::Raw,
        }
    }
}

/// Writes blobs of a batch, one after the other, with the same buffers.
pub(crate) struct BlobWriter<'a> {
    batch: &'a Batch<'a>,
    compressor: Compressor,
}

impl<'a> BlobWriter<'a> {
    pub(crate) fn new(batch: &'a Batch<'a>) -> Result<Self, ContentError> {
        let compressor = Compressor::new().context("prepare", Path::new("zstd"))?;
        Ok(Self { batch, compressor })
    }

    /// Takes bytes into the batch, unless the store holds them. Their digest.
    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) -> Result<Digest, ContentError> {
        let digest = Digest::of(bytes);
        self.add_known(digest, bytes)?;
        Ok(digest)
    }

    /// Takes bytes into the batch that are known to have this digest, unless the store holds them.
    pub(crate) fn add_known(&mut self, digest: Digest, bytes: &[u8]) -> Result<(), ContentError> {
        if self.is_new(&digest) {
            let packed = (!self.batch.store.reflinks())
                .then(|| self.compressor.compress(bytes))
                .flatten();
            let stored = packed.as_deref().unwrap_or(bytes);
            let form = self.batch.form(packed.is_some());
            let size = bytes.len() as u64;
            self.write((digest, size), form, |out| out.write_all(stored))?;
        }
        Ok(())
    }

    /// Takes a stream of at most `limit` bytes into the batch, unless the store holds it. Its digest
    /// and size.
    pub(crate) fn add_stream(
        &mut self,
        source: &mut dyn Read,
        limit: u64,
    ) -> Result<(Digest, u64), StreamError> {
        let mut source = source.take(limit);
        if limit <= IN_MEMORY {
            let mut bytes = Vec::new();
            source
                .read_to_end(&mut bytes)
                .map_err(StreamError::Source)?;
            return Ok((self.add_bytes(&bytes)?, bytes.len() as u64));
        }
        let mut start = vec![0; BUFFER];
        let filled = fill(&mut source, &mut start).map_err(StreamError::Source)?;
        let compresses = filled == BUFFER && self.compressor.is_worth(&start);
        let form = self.batch.form(compresses);
        let number = self.batch.streams.fetch_add(1, Ordering::Relaxed);
        let temp = self.batch.temp(&format!("stream-{number}"));
        let mut sink = Sink::create(&temp, form)?;
        let mut filled = filled;
        while filled > 0 {
            sink.write(&start[..filled]).context("write", &temp)?;
            filled = fill(&mut source, &mut start).map_err(StreamError::Source)?;
        }
        let content = sink.finish().context("write", &temp)?;
        if self.is_new(&content.0) {
            self.finished(content, form, temp);
        } else {
            fs::remove_file(&temp).context("remove", &temp)?;
        }
        Ok(content)
    }

    /// Whether this writer is the one that has to write the content.
    pub(crate) fn is_new(&self, digest: &Digest) -> bool {
        blob::find(&self.batch.store.blobs(), digest).is_none()
            && lock(&self.batch.claimed).insert(*digest)
    }

    /// In what form content that begins with `start` is kept.
    pub(crate) fn form_of(&mut self, start: &[u8]) -> Form {
        let compresses = !self.batch.store.reflinks() && self.compressor.is_worth(start);
        self.batch.form(compresses)
    }

    /// Writes a blob that [`is_new`](Self::is_new).
    pub(crate) fn write(
        &self,
        content: (Digest, u64),
        form: Form,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), ContentError> {
        let temp = self.batch.temp(&content.0.hex());
        let mut out = create_new(&temp)?;
        fill(&mut out).context("write", &temp)?;
        self.finished(content, form, temp);
        Ok(())
    }

    /// Takes a finished file, which holds a blob that [`is_new`](Self::is_new) as it is, from its
    /// place. It stays there if the batch is not published.
    pub(crate) fn adopt(&self, content: (Digest, u64), from: PathBuf) {
        self.finished(content, Form::Raw, from);
    }

    fn finished(&self, (digest, size): (Digest, u64), form: Form, temp: PathBuf) {
        let path = blob::path(&self.batch.store.blobs(), &digest, form);
        lock(&self.batch.written).push((temp, path));
        self.batch.new_bytes.fetch_add(size, Ordering::Relaxed);
    }
}

/// A file that takes a stream in some form, and learns what it is.
struct Sink {
    out: Out,
    hasher: blake3::Hasher,
}

enum Out {
    Raw(File),
    Zstd(zstd::stream::write::Encoder<'static, File>),
}

impl Sink {
    fn create(path: &Path, form: Form) -> Result<Self, ContentError> {
        let file = create_new(path)?;
        let out = match form {
            Form::Raw => Out::Raw(file),
            Form::Zstd => Out::Zstd(blob::encoder(file).context("write", path)?),
        };
        let hasher = blake3::Hasher::new();
        Ok(Self { out, hasher })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        match &mut self.out {
            Out::Raw(file) => file.write_all(bytes),
            Out::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<(Digest, u64)> {
        if let Out::Zstd(encoder) = self.out {
            encoder.finish()?;
        }
        let digest = Digest::from_bytes(*self.hasher.finalize().as_bytes());
        Ok((digest, self.hasher.count()))
    }
}

/// Reads until the buffer is full or the source ends. How much was read.
pub(crate) fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A panic of another thread leaves nothing half-done under these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
