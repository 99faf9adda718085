//! What a receiver lacks of a tree: its answer to an offer, in a form that can be written as JSON.

use landfall_model::Digest;
use serde::{Deserialize, Serialize};

/// What a store lacks of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeWants {
    /// The tree.
    pub tree: Digest,
    /// Bytes of content that have yet to come.
    pub bytes: u64,
    /// The content that is missing, in the order of its digests.
    pub blobs: Vec<WantedBlob>,
}

/// Content that a store lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedBlob {
    /// What names it.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Of these, how many have safely come already, from the first on. Only whole segments count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub present: u64,
    /// What it is probably a new version of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
}

/// Content that a patch can be against, because the receiver has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// What names it.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

impl TreeWants {
    /// Whether nothing is missing, so that the tree can be finished.
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }
}

/// By reference because serde calls it so.
fn is_zero(number: &u64) -> bool {
    *number == 0
}
