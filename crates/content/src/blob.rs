//! Blobs at rest: where they are and in what form.
//!
//! A blob is kept as it is where the filesystem can reflink, because then a release costs neither
//! time nor space. Elsewhere it is kept as zstd, which makes a framework's release a quarter of its
//! size and is read as fast as it can be written; small and incompressible content stays as it is.
//! The form is told by the file's name, so both may stand in one store.

use std::path::{Path, PathBuf};

use landfall_model::Digest;

/// zstd's own default: beyond it, time grows much faster than size shrinks.
const LEVEL: i32 = 3;
/// A block of the filesystem: what is smaller takes one anyway.
const SMALLEST: usize = 4096;
/// How much of a file is tried to tell whether it compresses.
const PROBE: usize = 64 << 10;

/// The form of a blob at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    Raw,
    /// A zstd frame.
    Zstd,
}

/// Where a blob of that form is.
pub(crate) fn path(blobs: &Path, digest: &Digest, form: Form) -> PathBuf {
    let hex = digest.hex();
    let suffix = match form {
        Form::Raw => "",
        Form::Zstd => ".zst",
    };
    blobs.join(&hex[..2]).join(format!("{}{suffix}", &hex[2..]))
}

/// The blob that a file of the store is, by its path; `None` for anything else.
pub(crate) fn parse(path: &Path) -> Option<(Digest, Form)> {
    let name = path.file_name()?.to_str()?;
    let fan = path.parent()?.file_name()?.to_str()?;
    let (rest, form) = match name.strip_suffix(".zst") {
        Some(rest) => (rest, Form::Zstd),
        None => (name, Form::Raw),
    };
    let digest = format!("b3:{fan}{rest}").parse().ok()?;
    (fan.len() == 2).then_some((digest, form))
}

/// Where a blob is, if the store holds it.
pub(crate) fn find(blobs: &Path, digest: &Digest) -> Option<(PathBuf, Form)> {
    [Form::Zstd, Form::Raw]
        .into_iter()
        .map(|form| (path(blobs, digest, form), form))
        .find(|(path, _)| path.is_file())
}

/// Makes zstd frames, one after the other, without setting zstd up anew for each.
pub(crate) struct Compressor(zstd::bulk::Compressor<'static>);

impl Compressor {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self(zstd::bulk::Compressor::new(LEVEL)?))
    }

    /// `bytes` as zstd, if that is worth it.
    pub(crate) fn compress(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if bytes.len() <= SMALLEST {
            return None;
        }
        if bytes.len() > PROBE && !self.is_worth(&bytes[..PROBE]) {
            return None;
        }
        let packed = self.0.compress(bytes).ok()?;
        shrinks(bytes.len(), packed.len()).then_some(packed)
    }

    /// Whether a file that begins with `start` should be kept as zstd.
    pub(crate) fn is_worth(&mut self, start: &[u8]) -> bool {
        let start = &start[..start.len().min(PROBE)];
        self.0
            .compress(start)
            .is_ok_and(|packed| shrinks(start.len(), packed.len()))
    }
}

/// A stream that makes one zstd frame.
pub(crate) fn encoder<W: std::io::Write>(
    out: W,
) -> std::io::Result<zstd::stream::write::Encoder<'static, W>> {
    zstd::stream::write::Encoder::new(out, LEVEL)
}

/// At least an eighth has to go: reading less than that back is not worth decompressing.
fn shrinks(from: usize, to: usize) -> bool {
    to < from - from / 8
}
