//! What can go wrong with transfers of trees, said with what they are.

use std::io;

use landfall_model::Digest;

use super::room::NoRoom;
use crate::error::{ContentError, is_disk_full};
use crate::index::InvalidTree;

/// A failure of a transfer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The store failed.
    #[error("use the content store")]
    Store(#[from] ContentError),
    /// The stream broke off or could not be written.
    #[error("{operation}")]
    Stream {
        /// What was tried.
        operation: &'static str,
        /// What the system, or the other end, said.
        source: io::Error,
    },
    /// The bytes cannot be what they should be.
    #[error("what came is damaged: {0}")]
    Damaged(&'static str),
    /// The other side is newer.
    #[error(
        "the other side sends format {0}, which this build does not know; \
         use the same version of Landfall on both sides"
    )]
    UnknownFormat(u16),
    /// The index is larger than any that is taken.
    #[error("the tree has too many files: its index is larger than {limit} bytes")]
    IndexTooLarge {
        /// Bytes that an index may have.
        limit: usize,
    },
    /// The index is that of another tree.
    #[error("what came as the index of tree {expected} is that of {found}")]
    OtherIndex {
        /// The tree that was announced.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// The index is no sound tree.
    #[error("the index of tree {tree} is refused")]
    BadIndex {
        /// The tree.
        tree: Digest,
        /// Why.
        source: InvalidTree,
    },
    /// The index gives the same content two sizes.
    #[error("the index gives the content {0} two sizes")]
    TwoSizes(Digest),
    /// The index was sent as what differs from another, which is not here.
    #[error("this store does not hold tree {0}, which the index is based on; send it whole")]
    NoBaseTree(Digest),
    /// The file system has not enough space.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The tree was not offered here, or so long ago that what came of it is gone.
    #[error("tree {0} is not on its way to this store; offer it first")]
    NotOffered(Digest),
    /// The stream is for another tree.
    #[error("the stream brings tree {found} where {expected} was expected")]
    OtherTree {
        /// The tree that was asked for.
        expected: Digest,
        /// The tree that the stream names.
        found: Digest,
    },
    /// Content is not what its digest says. It is thrown away.
    #[error("what came as content {expected} is {found}")]
    WrongContent {
        /// What was announced.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// Something is left out before this part of a large file.
    #[error("content {blob} goes on at byte {found}, but only {present} bytes of it are here")]
    Gap {
        /// The content.
        blob: Digest,
        /// Bytes that are here.
        present: u64,
        /// Where what came belongs.
        found: u64,
    },
    /// A patch is against content that is not here any more.
    #[error("the patch of content {blob} needs {base}, which is not here; offer the tree again")]
    NoBase {
        /// What it makes.
        blob: Digest,
        /// What it needs.
        base: Digest,
    },
    /// The tree cannot be finished yet.
    #[error("{missing} files of tree {tree} have not come yet, {first} among them")]
    Incomplete {
        /// The tree.
        tree: Digest,
        /// How many contents are missing.
        missing: usize,
        /// One of them.
        first: Digest,
    },
    /// The sender's store lacks something of the tree.
    #[error("this store lacks {blob}, a part of tree {tree}; build it again")]
    NotHere {
        /// The tree.
        tree: Digest,
        /// What it lacks.
        blob: Digest,
    },
    /// Something is wanted that the tree does not have.
    #[error("{blob} is no part of tree {tree}, or has another size, and is not sent")]
    NotOfTree {
        /// The tree.
        tree: Digest,
        /// What was asked for.
        blob: Digest,
    },
}

impl TransferError {
    /// Whether it happened because no space (or quota) is left on this side.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Store(error) => error.is_disk_full(),
            Self::Stream { source, .. } => is_disk_full(source),
            Self::NoRoom(_) => true,
            _ => false,
        }
    }

    /// A stream that failed.
    pub(super) fn stream(operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Stream { operation, source }
    }

    /// What reading what the other side sends failed with.
    pub(super) fn receiving(source: io::Error) -> Self {
        Self::stream("receive a tree; the connection broke off")(source)
    }

    /// What sending failed with.
    pub(super) fn sending(source: io::Error) -> Self {
        Self::stream("send a tree")(source)
    }
}
