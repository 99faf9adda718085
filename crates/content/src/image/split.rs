//! Taking a layer apart: the content of its files, and the recipe that makes it again.

use std::io::{self, Read};

use landfall_model::Digest;
use sha2::{Digest as _, Sha256};

use super::error::ImageError;
use super::object::{Object, Part};
use super::recipe::{ChunkBuilder, Recipe};
use super::walk::{Part as TarPart, TarWalk};
use crate::batch::BlobWriter;
use crate::error::ContentError;

/// Content up to this size stays in the recipe: to name it and to keep it takes as much.
const INLINE: u64 = 128;

/// A layer that was taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SplitLayer {
    /// SHA-256 of what the recipe makes.
    pub diff_id: Digest,
    pub recipe: Object,
}

/// Takes the layer apart that `layer` reads as, to its end. Never more than a part of it is in memory. Any
/// bytes can be taken apart; the better they are an archive, the more of them is content.
///
/// # Errors
/// When it cannot be read, or the batch not be written.
pub(crate) fn split(
    writer: &mut BlobWriter<'_>,
    layer: impl Read,
) -> Result<SplitLayer, ImageError> {
    let mut walk = TarWalk::new(layer);
    let mut splitter = Splitter {
        writer,
        made: Sha256::new(),
        size: 0,
        chunk: ChunkBuilder::default(),
        chunks: Vec::new(),
    };
    while let Some(part) = walk
        .next_part()
        .map_err(ImageError::stream("read a layer"))?
    {
        match part {
            TarPart::Header(header) => {
                if splitter.chunk.is_full() || splitter.chunk.ends_before(header) {
                    splitter.end_chunk()?;
                }
                splitter.raw(header)?;
            }
            TarPart::Other(bytes) => splitter.raw(bytes)?,
            // What is not taken comes as other bytes.
            TarPart::Content(size) if size <= INLINE => {}
            TarPart::Content(size) => splitter.content(&mut walk.content(), size)?,
        }
    }
    splitter.finish()
}

struct Splitter<'a, 'b> {
    writer: &'a mut BlobWriter<'b>,
    /// Of what the recipe says so far, in the order in which it says it.
    made: Sha256,
    size: u64,
    chunk: ChunkBuilder,
    chunks: Vec<Object>,
}

impl Splitter<'_, '_> {
    fn raw(&mut self, bytes: &[u8]) -> Result<(), ContentError> {
        self.made.update(bytes);
        self.size += bytes.len() as u64;
        self.chunk.raw(bytes);
        match self.chunk.is_full() {
            true => self.end_chunk(),
            false => Ok(()),
        }
    }

    fn content(&mut self, content: &mut dyn Read, limit: u64) -> Result<(), ImageError> {
        let mut hashing = Hashing {
            source: content,
            hasher: &mut self.made,
        };
        let (digest, size) = self
            .writer
            .add_stream(&mut hashing, limit)
            .map_err(ImageError::taking("read a layer"))?;
        if size > 0 {
            self.size += size;
            self.chunk.content(&digest, size);
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), ContentError> {
        if let Some(chunk) = self.chunk.take() {
            let digest = self.writer.add_bytes(&chunk)?;
            let (size, part) = (chunk.len() as u64, Part::Chunk);
            self.chunks.push(Object { digest, size, part });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<SplitLayer, ImageError> {
        self.end_chunk()?;
        let recipe = Recipe {
            diff_id: Digest::from_sha256(self.made.finalize().into()),
            size: self.size,
            chunks: self.chunks,
        };
        let bytes = recipe.encode();
        let digest = self.writer.add_bytes(&bytes)?;
        let (size, part) = (bytes.len() as u64, Part::Recipe);
        Ok(SplitLayer {
            diff_id: recipe.diff_id,
            recipe: Object { digest, size, part },
        })
    }
}

/// A reader that hashes what passes.
struct Hashing<'a> {
    source: &'a mut dyn Read,
    hasher: &'a mut Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}
