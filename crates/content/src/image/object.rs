//! What an image is made of.

use landfall_model::Digest;

/// A blob that an image needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Object {
    /// What names it.
    pub digest: Digest,
    /// Bytes, not compressed.
    pub size: u64,
    /// What it is for.
    pub part: Part,
}

/// What an [`Object`] is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The image's index.
    Index,
    /// How a layer is made.
    Recipe,
    /// A part of a recipe.
    Chunk,
    /// The content of a file.
    Content,
}
