//! Reading blobs back, checked against their digest on the way.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use landfall_model::Digest;

use crate::blob::{self, Form};
use crate::error::{ContentError, Context as _};
use crate::store::ContentStore;

/// Large enough that a system call costs nothing beside what it moves.
const BUFFER: usize = 128 << 10;

/// Compressed content up to this size is unpacked whole: setting a stream up costs more than that.
const AT_ONCE: u64 = 1 << 20;

/// Reads blobs, one after the other, with the same buffers.
pub(crate) struct BlobReader<'a> {
    store: &'a ContentStore,
    buffer: Vec<u8>,
    packed: Vec<u8>,
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
}

/// How content came out of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Byte by byte.
    Copied,
    /// Sharing blocks until one side writes.
    Reflinked,
    /// It is not there.
    Absent,
}

impl<'a> BlobReader<'a> {
    pub(crate) fn new(store: &'a ContentStore) -> Self {
        Self {
            store,
            buffer: vec![0; BUFFER],
            packed: Vec::new(),
            // Without one everything is read as a stream.
            decompressor: zstd::bulk::Decompressor::new().ok(),
        }
    }

    /// Puts the content `digest` of `size` bytes into the empty file `out`, which is at `path`.
    pub(crate) fn extract(
        &mut self,
        digest: &Digest,
        size: u64,
        out: &mut File,
        path: &Path,
    ) -> Result<Outcome, ContentError> {
        let Some((at, form)) = blob::find(&self.store.blobs(), digest) else {
            return Ok(Outcome::Absent);
        };
        if form == Form::Zstd
            && size <= AT_ONCE
            && let Some(content) = self.unpack(digest, size, &at)
        {
            out.write_all(&content).context("write", path)?;
            return Ok(Outcome::Copied);
        }
        let source = File::open(&at).context("open", &at)?;
        if form == Form::Raw
            && self.store.reflinks()
            && rustix::fs::ioctl_ficlone(&*out, &source).is_ok()
        {
            self.copy(digest, size, (source, &at, form), &mut io::sink(), path)?;
            return Ok(Outcome::Reflinked);
        }
        self.copy(digest, size, (source, &at, form), out, path)?;
        Ok(Outcome::Copied)
    }

    /// The content `digest` of `size` bytes, whole; `None` when it is not there.
    pub(crate) fn read(
        &mut self,
        digest: &Digest,
        size: u64,
    ) -> Result<Option<Vec<u8>>, ContentError> {
        let mut content = Vec::new();
        let found = self.write_to(digest, size, &mut content)?;
        Ok(found.then_some(content))
    }

    /// Writes the content `digest` of `size` bytes; `false` when it is not there.
    pub(crate) fn write_to(
        &mut self,
        digest: &Digest,
        size: u64,
        out: &mut dyn Write,
    ) -> Result<bool, ContentError> {
        let Some((at, form)) = blob::find(&self.store.blobs(), digest) else {
            return Ok(false);
        };
        let path = Path::new("a stream");
        if form == Form::Zstd
            && size <= AT_ONCE
            && let Some(content) = self.unpack(digest, size, &at)
        {
            out.write_all(&content).context("write", path)?;
            return Ok(true);
        }
        let source = File::open(&at).context("open", &at)?;
        self.copy(digest, size, (source, &at, form), out, path)?;
        Ok(true)
    }

    /// Checks the stored file `at`, which should be the content `digest`.
    pub(crate) fn check(
        &mut self,
        digest: &Digest,
        at: &Path,
        form: Form,
    ) -> Result<(), ContentError> {
        let source = File::open(at).context("open", at)?;
        self.copy(digest, u64::MAX, (source, at, form), &mut io::sink(), at)
    }

    /// Small content whole, if it is what it should be. What is wrong otherwise, reading it as a
    /// stream tells.
    fn unpack(&mut self, digest: &Digest, size: u64, at: &Path) -> Option<Vec<u8>> {
        self.packed.clear();
        let file = File::open(at).ok()?;
        file.take(AT_ONCE).read_to_end(&mut self.packed).ok()?;
        let mut content = Vec::with_capacity(usize::try_from(size).ok()?);
        self.decompressor
            .as_mut()?
            .decompress_to_buffer(&self.packed, &mut content)
            .ok()?;
        (content.len() as u64 == size && Digest::of(&content) == *digest).then_some(content)
    }

    fn copy(
        &mut self,
        digest: &Digest,
        limit: u64,
        (source, at, form): (File, &Path, Form),
        out: &mut dyn Write,
        path: &Path,
    ) -> Result<(), ContentError> {
        let mut hasher = blake3::Hasher::new();
        let mut input: Box<dyn Read> = match form {
            Form::Raw => Box::new(source),
            Form::Zstd => Box::new(zstd::stream::read::Decoder::new(source).context("read", at)?),
        };
        let mut left = limit;
        loop {
            let read = match input.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // What the system did not say, the decompressor did.
                Err(error) if error.raw_os_error().is_none() => {
                    return Err(self.set_aside(digest, at));
                }
                Err(error) => return Err(error).context("read", at),
            };
            let chunk = &self.buffer[..read];
            // Never more than the index says: a damaged frame may unpack to anything.
            let Some(rest) = left.checked_sub(read as u64) else {
                return self.wrong_size(digest, at, form);
            };
            left = rest;
            hasher.update(chunk);
            out.write_all(chunk).context("write", path)?;
        }
        if hasher.finalize().as_bytes() != digest.as_bytes() {
            return Err(self.set_aside(digest, at));
        }
        if limit == u64::MAX || left == 0 {
            return Ok(());
        }
        self.wrong_size(digest, at, form)
    }

    /// Either the blob is damaged, or the index lies about its size. Only the first may cost the
    /// store the blob.
    fn wrong_size(&mut self, digest: &Digest, at: &Path, form: Form) -> Result<(), ContentError> {
        self.check(digest, at, form)?;
        Err(ContentError::WrongSize(*digest))
    }

    /// Takes a damaged blob out of the way, so that ingesting the same content puts it back.
    fn set_aside(&self, digest: &Digest, at: &Path) -> ContentError {
        let aside = self.store.broken().join(digest.hex());
        if let Err(error) = fs::rename(at, &aside) {
            tracing::warn!(path = %at.display(), %error, "a damaged blob stays in place");
        }
        ContentError::DamagedBlob(*digest)
    }
}
