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

/// Reads blobs, one after the other, with one buffer.
pub(crate) struct BlobReader<'a> {
    store: &'a ContentStore,
    buffer: Vec<u8>,
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
