//! The content of a tree, numbered: frames say a number of four bytes in place of a digest.

use std::collections::BTreeMap;

use landfall_model::Digest;

use super::error::TransferError;
use crate::index::{EntryKind, TreeIndex};

/// Every content of a tree once, in the order of digests, with its size.
#[derive(Debug)]
pub(super) struct Contents(Vec<(Digest, u64)>);

impl Contents {
    /// # Errors
    /// When the index gives one content two sizes.
    pub fn of(index: &TreeIndex) -> Result<Self, TransferError> {
        let mut sizes = BTreeMap::new();
        for entry in index.entries() {
            if let EntryKind::File { size, digest, .. } = entry.kind
                && sizes
                    .insert(digest, size)
                    .is_some_and(|other| other != size)
            {
                return Err(TransferError::TwoSizes(digest));
            }
        }
        Ok(Self(sizes.into_iter().collect()))
    }

    pub fn iter(&self) -> impl Iterator<Item = &(Digest, u64)> {
        self.0.iter()
    }

    /// The content with this number.
    pub fn get(&self, number: u32) -> Option<(Digest, u64)> {
        self.0.get(number as usize).copied()
    }

    /// Number and size of a content; `None` when the tree does not have it.
    pub fn find(&self, digest: &Digest) -> Option<(u32, u64)> {
        let at = self.0.binary_search_by_key(digest, |(digest, _)| *digest);
        let at = at.ok()?;
        Some((u32::try_from(at).ok()?, self.0[at].1))
    }
}
