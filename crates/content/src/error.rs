//! What can go wrong with the store, said with the operation and the path.

use std::io;
use std::path::{Path, PathBuf};

use landfall_model::Digest;

use crate::image::ImageError;
use crate::index::InvalidTree;
use crate::path::{InvalidPath, TreePath};

/// A failure of the content store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The system refused an operation.
    #[error("{operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The place in the tree that a source should go to is none.
    #[error("place a source in the tree")]
    BadPlace(#[from] InvalidPath),
    /// A glob of what is left out cannot be read.
    #[error("read the exclude glob {glob:?}")]
    BadGlob {
        /// As written.
        glob: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// A symbolic link points to what is not part of the tree.
    #[error(
        "{} is a symbolic link to {target:?}, which is outside what is shipped; \
         include the target, replace the link by a copy, or exclude it",
        link.display()
    )]
    EscapingLink {
        /// The link in the source.
        link: PathBuf,
        /// Its target, shown lossily.
        target: String,
    },
    /// A device, socket or pipe.
    #[error("{} is a {kind}, which cannot be shipped; exclude it", path.display())]
    SpecialFile {
        /// Where.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// Two sources give one path different content.
    #[error("{path} comes from {} and, different, from {}", first.display(), second.display())]
    Conflict {
        /// In the tree.
        path: TreePath,
        /// In one source.
        first: PathBuf,
        /// In the other.
        second: PathBuf,
    },
    /// A file changed while it was read.
    #[error("{} changed while it was read", path.display())]
    Changed {
        /// Which.
        path: PathBuf,
    },
    /// What was found makes no sound tree.
    #[error("make a tree of what was found")]
    InvalidTree(#[from] InvalidTree),
    /// The store does not hold the tree.
    #[error("the store does not hold tree {0}")]
    NoTree(Digest),
    /// The store holds the tree, but not all of its files.
    #[error("the store lacks the content of {path} in tree {tree}")]
    NoBlob {
        /// The tree.
        tree: Digest,
        /// The file in it.
        path: TreePath,
        /// The digest of its content.
        blob: Digest,
    },
    /// A stored tree index is not what it was.
    #[error("the index of tree {digest} is damaged")]
    DamagedTree {
        /// The tree.
        digest: Digest,
        /// How; `None` when it is a tree, but another one.
        source: Option<InvalidTree>,
    },
    /// What a stored image needs cannot be told.
    #[error("read image {image} in the content store")]
    UnreadableImage {
        /// The image.
        image: Digest,
        /// Why.
        source: Box<ImageError>,
    },
    /// A stored blob is not what it was. It has been set aside, so that ingesting it again heals.
    #[error("the stored content {0} is damaged")]
    DamagedBlob(Digest),
    /// A tree says another size of a file than its content has.
    #[error("a tree gives the content {0} a size that it does not have")]
    WrongSize(Digest),
    /// The place for a tree is taken.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The store was written by a newer Landfall.
    #[error(
        "the store at {} has format {found:?}, which this build does not know",
        path.display()
    )]
    UnknownFormat {
        /// The store.
        path: PathBuf,
        /// What it says of itself.
        found: String,
    },
}

impl ContentError {
    /// Whether it happened because no space (or quota) is left.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_disk_full(source))
    }

    /// Whether the artifact itself is the problem: gone, incomplete or damaged. Building and
    /// ingesting it again heals.
    pub fn is_artifact_gone(&self) -> bool {
        matches!(
            self,
            Self::NoTree(_) | Self::NoBlob { .. } | Self::DamagedTree { .. } | Self::DamagedBlob(_)
        )
    }
}

/// Whether the system said that no space (or quota) is left.
pub fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Attaches operation and path to what the system said.
pub(crate) trait Context<T> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T, ContentError>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T, ContentError> {
        self.map_err(|error| ContentError::Io {
            operation,
            path: path.to_owned(),
            source: error.into(),
        })
    }
}
