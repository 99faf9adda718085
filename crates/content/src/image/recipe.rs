//! Recipes: how a layer is made again from content, byte for byte.
//!
//! A recipe names its chunks, and a chunk names the content of some entries and holds all that lies
//! between: headers, names, padding. Chunks end where a name says so, so that a changed file
//! changes one chunk of a large layer, and the others need not travel again. Recipe and chunks are
//! blobs like any content.
//!
//! The forms, all integers little-endian. A recipe: `LFLAYER`, format `u16`, diff id `[32]`, bytes of
//! the layer `u64`, number of chunks `u32`, each `size u32, digest [32]`. A chunk: any number of
//! `0, length u32, bytes` and `1, size u64, digest [32]`.

use landfall_model::Digest;

use super::codec::{Cursor, Short};
use super::object::{Object, Part};

/// The format of recipes that this build writes, and the newest that it reads.
pub const LAYER_FORMAT: u16 = 1;

const MAGIC: &[u8; 7] = b"LFLAYER";
/// Above a million entries, far more than layers have.
const MAX_RECIPE: u64 = 64 << 20;
/// A chunk ends at the first entry after so many bytes, and in the middle of anything else.
pub(super) const FULL_CHUNK: usize = 256 << 10;
/// No chunk of ours is larger: a full one, and what one step adds.
const MAX_CHUNK: u64 = 1 << 20;
/// One name in so many ends a chunk.
const CHUNK_ENTRIES: u8 = 64;

const RAW: u8 = 0;
const CONTENT: u8 = 1;

/// How one layer is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// What it makes: SHA-256 of the archive.
    pub diff_id: Digest,
    /// Bytes of the archive.
    pub size: u64,
    pub chunks: Vec<Object>,
}

/// A step of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// These bytes.
    Raw(&'a [u8]),
    /// This content.
    Content(Object),
}

impl Recipe {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.chunks.len() * 36);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&LAYER_FORMAT.to_le_bytes());
        out.extend_from_slice(self.diff_id.as_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend_from_slice(&(self.chunks.len() as u32).to_le_bytes());
        for chunk in &self.chunks {
            out.extend_from_slice(&(chunk.size as u32).to_le_bytes());
            out.extend_from_slice(chunk.digest.as_bytes());
        }
        out
    }

    /// Reads one. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// With what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut input = Cursor::new(bytes);
        if input.take(MAGIC.len()) != Ok(MAGIC) {
            return Err("it does not begin like a recipe");
        }
        if input.u16()? != LAYER_FORMAT {
            return Err("its format is not known to this version of Landfall");
        }
        let diff_id = Digest::from_sha256(input.array()?);
        let (size, count) = (input.u64()?, input.u32()?);
        // No capacity from `count`: it is not to be believed before the chunks were seen.
        let mut chunks = Vec::new();
        for _ in 0..count {
            let size = input.u32()?.into();
            let digest = Digest::from_bytes(input.array()?);
            if size > MAX_CHUNK {
                return Err("a chunk is too large");
            }
            chunks.push(Object {
                digest,
                size,
                part: Part::Chunk,
            });
        }
        input.end()?;
        Ok(Self {
            diff_id,
            size,
            chunks,
        })
    }
}

/// Whether a recipe may be so large.
pub(super) fn is_sane_size(size: u64) -> bool {
    size <= MAX_RECIPE
}

/// The steps of a chunk.
///
/// # Errors
/// With what is wrong with the bytes.
pub(crate) fn steps(chunk: &[u8]) -> Result<Vec<Step<'_>>, &'static str> {
    let mut input = Cursor::new(chunk);
    let mut steps = Vec::new();
    while !input.is_at_end() {
        steps.push(step(&mut input)?);
    }
    Ok(steps)
}

fn step<'a>(input: &mut Cursor<'a>) -> Result<Step<'a>, &'static str> {
    let [kind] = input.array()?;
    match kind {
        RAW => {
            let length = input.u32()? as usize;
            Ok(Step::Raw(input.take(length)?))
        }
        CONTENT => {
            let size = input.u64()?;
            let digest = Digest::from_bytes(input.array()?);
            Ok(Step::Content(Object {
                digest,
                size,
                part: Part::Content,
            }))
        }
        _ => Err("it holds a step of an unknown kind"),
    }
}

impl From<Short> for &'static str {
    fn from(_: Short) -> Self {
        "it ends too early or too late"
    }
}

/// A chunk on its way.
#[derive(Debug, Default)]
pub(super) struct ChunkBuilder {
    bytes: Vec<u8>,
    /// Where the length of the raw step stands that more bytes can be added to.
    open: Option<usize>,
}

impl ChunkBuilder {
    pub fn raw(&mut self, bytes: &[u8]) {
        let at = match self.open {
            Some(at) => at,
            None => {
                self.bytes.push(RAW);
                self.bytes.extend_from_slice(&[0; 4]);
                *self.open.insert(self.bytes.len() - 4)
            }
        };
        self.bytes.extend_from_slice(bytes);
        let length = (self.bytes.len() - at - 4) as u32;
        self.bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }

    pub fn content(&mut self, digest: &Digest, size: u64) {
        self.open = None;
        self.bytes.push(CONTENT);
        self.bytes.extend_from_slice(&size.to_le_bytes());
        self.bytes.extend_from_slice(digest.as_bytes());
    }

    pub fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_CHUNK
    }

    /// Whether the entry with this header begins a new chunk. That depends on its name alone: not on
    /// what came before it, and not on anything that changes with its content.
    pub fn ends_before(&self, header: &[u8]) -> bool {
        const NAME: usize = 100;
        let name = &header[..header.len().min(NAME)];
        blake3::hash(name).as_bytes()[0].is_multiple_of(CHUNK_ENTRIES)
    }

    /// The chunk, unless it is empty, and an empty one in its place.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.open = None;
        let bytes = std::mem::take(&mut self.bytes);
        (!bytes.is_empty()).then_some(bytes)
    }
}
