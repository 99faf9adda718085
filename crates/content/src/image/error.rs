//! What can go wrong with images, said with what they are.

use std::io;

use landfall_model::Digest;

use crate::batch::StreamError;
use crate::error::{ContentError, is_disk_full};

/// A failure with an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The store failed.
    #[error("keep the image in the content store")]
    Store(#[from] ContentError),
    /// The stream of an image failed.
    #[error("{operation}")]
    Stream {
        /// What was tried.
        operation: &'static str,
        /// What the system, or the other end, said.
        source: io::Error,
    },
    /// The export of an image is no archive.
    #[error("the export of image {0} is not a tar archive")]
    NotAnExport(Digest),
    /// The export of an image ends too early.
    #[error("the export of image {0} ends in the middle; was the engine stopped?")]
    Truncated(Digest),
    /// The export holds no configuration of this digest.
    #[error(
        "the export does not hold the configuration of image {0}; an engine that keeps images in \
         containerd's store names them otherwise, and is not supported"
    )]
    NoConfig(Digest),
    /// The configuration of an image cannot be read.
    #[error("the configuration of image {image} is damaged: {problem}")]
    BadConfig {
        /// The image.
        image: Digest,
        /// What is wrong with it.
        problem: String,
    },
    /// The export lacks a layer, or what it holds in its place is something else.
    #[error("the export of image {image} lacks layer {layer}{}", if *.compressed {
        ": it holds compressed layers, as engines export that keep images in containerd's store, \
         which is not supported"
    } else {
        ""
    })]
    NoLayer {
        /// The image.
        image: Digest,
        /// The layer's diff id.
        layer: Digest,
        /// Whether something compressed was met.
        compressed: bool,
    },
    /// The store does not hold the image.
    #[error("the store does not hold image {0}")]
    NoImage(Digest),
    /// Something that describes an image is not what it has to be.
    #[error("{what} {digest} is damaged: {problem}")]
    Damaged {
        /// What it is.
        what: &'static str,
        /// Its digest.
        digest: Digest,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An image index describes another image.
    #[error("what was received as image {expected} describes image {found}")]
    OtherImage {
        /// The one that was asked for.
        expected: Digest,
        /// The one that it is.
        found: Digest,
    },
    /// What a recipe makes is not the layer.
    #[error("what should be layer {expected} is {found}")]
    WrongLayer {
        /// The layer's diff id.
        expected: Digest,
        /// What was made.
        found: Digest,
    },
    /// The store lacks something of an image.
    #[error("the store lacks {0}, a part of the image")]
    NoObject(Digest),
    /// Something else was received than was asked for.
    #[error("the other side sent {found} where {expected} was asked for")]
    Unasked {
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// Something is asked for that the image does not have.
    #[error("{object} is no part of image {image}, and is not sent")]
    NotOfImage {
        /// The image.
        image: Digest,
        /// What was asked for.
        object: Digest,
    },
    /// More layers should be left out than the image has.
    #[error("the image has {layers} layers, of which {present} cannot be there already")]
    TooManyPresent {
        /// Layers of the image.
        layers: usize,
        /// Layers that should be left out.
        present: usize,
    },
}

impl ImageError {
    /// Whether it happened because no space (or quota) is left on this side.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Store(error) => error.is_disk_full(),
            Self::Stream { source, .. } => is_disk_full(source),
            _ => false,
        }
    }

    /// A stream that could not be read, or not be kept.
    pub(super) fn taking(operation: &'static str) -> impl FnOnce(StreamError) -> Self {
        move |error| match error {
            StreamError::Source(source) => Self::Stream { operation, source },
            StreamError::Store(error) => Self::Store(error),
        }
    }

    /// A stream that failed.
    pub(super) fn stream(operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Stream { operation, source }
    }
}
