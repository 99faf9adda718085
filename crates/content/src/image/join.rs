//! Making a layer again from its recipe, and reading what describes images.

use std::io::{self, Write};

use landfall_model::Digest;
use sha2::{Digest as _, Sha256};

use super::error::ImageError;
use super::index::{self, ImageIndex, Layer};
use super::object::{Object, Part};
use super::recipe::{self, Recipe, Step};
use crate::reader::BlobReader;
use crate::store::ContentStore;

/// Reads the objects of images, one after the other, with the same buffers.
pub(crate) struct ObjectReader<'a>(BlobReader<'a>);

impl<'a> ObjectReader<'a> {
    pub fn new(store: &'a ContentStore) -> Self {
        Self(BlobReader::new(store))
    }

    /// An image's index; `None` when the store lacks it.
    pub fn index(&mut self, object: &Object) -> Result<Option<ImageIndex>, ImageError> {
        if !index::is_sane_size(object.size) {
            return Err(damaged(object, "it is too large"));
        }
        let Some(bytes) = self.0.read(&object.digest, object.size)? else {
            return Ok(None);
        };
        let index = ImageIndex::decode(&bytes);
        index.map(Some).map_err(|problem| damaged(object, problem))
    }

    /// How a layer is made; `None` when the store lacks it.
    pub fn recipe(&mut self, layer: &Layer) -> Result<Option<Recipe>, ImageError> {
        let Some(bytes) = self.0.read(&layer.recipe.digest, layer.recipe.size)? else {
            return Ok(None);
        };
        let recipe = Recipe::decode(&bytes).map_err(|problem| damaged(&layer.recipe, problem))?;
        if recipe.diff_id != layer.diff_id {
            return Err(damaged(&layer.recipe, "it makes another layer"));
        }
        Ok(Some(recipe))
    }

    /// A part of a recipe; `None` when the store lacks it.
    pub fn chunk(&mut self, chunk: &Object) -> Result<Option<Vec<u8>>, ImageError> {
        Ok(self.0.read(&chunk.digest, chunk.size)?)
    }

    /// Writes a layer: exactly the bytes that its diff id names, or an error.
    pub fn write_layer(
        &mut self,
        layer: &Layer,
        recipe: &Recipe,
        out: &mut dyn Write,
    ) -> Result<(), ImageError> {
        let mut made = Made {
            out,
            hasher: Sha256::new(),
            left: recipe.size,
        };
        for object in &recipe.chunks {
            let chunk = self.chunk(object)?;
            let chunk = chunk.ok_or(ImageError::NoObject(object.digest))?;
            let steps = recipe::steps(&chunk).map_err(|problem| damaged(object, problem))?;
            for step in steps {
                self.take(step, &mut made)?;
            }
        }
        let found = Digest::from_sha256(made.hasher.finalize().into());
        if found != layer.diff_id {
            let expected = layer.diff_id;
            return Err(ImageError::WrongLayer { expected, found });
        }
        Ok(())
    }

    /// Writes some content; `false` when the store lacks it.
    pub fn write_content(
        &mut self,
        content: &Object,
        out: &mut dyn Write,
    ) -> Result<bool, ImageError> {
        Ok(self.0.write_to(&content.digest, content.size, out)?)
    }

    fn take(&mut self, step: Step<'_>, made: &mut Made<'_>) -> Result<(), ImageError> {
        match step {
            Step::Raw(bytes) => made
                .write_all(bytes)
                .map_err(ImageError::stream("write a layer")),
            Step::Content(content) => match self.write_content(&content, made)? {
                true => Ok(()),
                false => Err(ImageError::NoObject(content.digest)),
            },
        }
    }
}

pub(super) fn damaged(object: &Object, problem: &'static str) -> ImageError {
    let what = match object.part {
        Part::Index => "the index of an image",
        Part::Recipe => "the recipe of a layer",
        Part::Chunk => "a part of a recipe",
        Part::Content => "the content of a file",
    };
    ImageError::Damaged {
        what,
        digest: object.digest,
        problem,
    }
}

/// Checks what passes: never more than was announced, and its digest.
struct Made<'a> {
    out: &'a mut dyn Write,
    hasher: Sha256,
    left: u64,
}

impl Write for Made<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            return Err(io::Error::other("the recipe makes more than it tells"));
        };
        self.left = left;
        self.hasher.update(bytes);
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
