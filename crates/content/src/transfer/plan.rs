//! How what is wanted of a tree travels.

use std::collections::HashSet;

use landfall_model::Digest;

use super::SEGMENT;
use super::contents::Contents;
use super::error::TransferError;
use super::frame::{Frame, MAX_PACK, Piece, Segment};
use super::offer::first_paths;
use super::wants::{TreeWants, WantedBlob};
use crate::index::TreeIndex;

/// Files up to this size travel together with others, unless they are patches.
pub(super) const SMALL: u64 = 512 << 10;
/// So much content travels together: what zstd looks back over anyway.
const TOGETHER: usize = 2 << 20;
/// The file that reaches [`TOGETHER`], and how many there are, still fit.
const _: () = assert!(TOGETHER + SMALL as usize + 8 < MAX_PACK);

/// Every file that is wanted, once.
#[derive(Default)]
pub(super) struct Plan<'w> {
    /// Those without a base.
    pub plain: Vec<File<'w>>,
    /// Those with one.
    pub patched: Vec<File<'w>>,
    /// Those that come in segments, with a base or without.
    pub large: Vec<File<'w>>,
}

/// A file that is wanted.
#[derive(Clone, Copy)]
pub(super) struct File<'w> {
    pub number: u32,
    pub size: u64,
    pub want: &'w WantedBlob,
}

impl<'w> Plan<'w> {
    /// # Errors
    /// When something is wanted that the tree does not have.
    pub fn new(
        tree: &Digest,
        contents: &Contents,
        wants: &'w TreeWants,
    ) -> Result<Self, TransferError> {
        if wants.tree != *tree {
            let (expected, found) = (*tree, wants.tree);
            return Err(TransferError::OtherTree { expected, found });
        }
        let mut plan = Self::default();
        let mut seen = HashSet::new();
        for want in &wants.blobs {
            let found = contents.find(&want.digest);
            let found = found.filter(|(_, size)| *size == want.size && can_begin(want));
            let (number, size) = found.ok_or(TransferError::NotOfTree {
                tree: *tree,
                blob: want.digest,
            })?;
            if !seen.insert(number) {
                continue;
            }
            let kind = match want.base {
                _ if size > SEGMENT => &mut plan.large,
                Some(_) => &mut plan.patched,
                None => &mut plan.plain,
            };
            kind.push(File { number, size, want });
        }
        Ok(plan)
    }
}

/// Whether a file can go on after what is present of it.
fn can_begin(want: &WantedBlob) -> bool {
    let whole = want.present.is_multiple_of(SEGMENT);
    want.present == 0 || whole && want.present < want.size
}

impl File<'_> {
    /// The frame of the file or of a segment of it.
    pub fn piece(&self, is_patch: bool, segment: Option<Segment>, packed: Vec<u8>) -> Vec<u8> {
        let piece = Piece {
            number: self.number,
            base: self.want.base.filter(|_| is_patch),
            segment,
            packed,
        };
        Frame::Piece(piece).encode()
    }
}

/// Files by kind and place, in groups that travel together: what is alike compresses well.
pub(super) fn in_packs<'w>(tree: &TreeIndex, mut files: Vec<File<'w>>) -> Vec<Vec<File<'w>>> {
    let paths = first_paths(tree);
    files.sort_by_cached_key(|file| {
        let path = paths.get(&file.want.digest).map(|path| path.as_path());
        let kind = path.and_then(|path| path.extension());
        (kind.map(ToOwned::to_owned), path.map(ToOwned::to_owned))
    });
    let mut packs = Vec::new();
    let mut pack = Vec::new();
    let mut bytes = 0;
    for file in files {
        // Its number is in the pack as well.
        bytes += file.size as usize + 4;
        pack.push(file);
        if bytes >= TOGETHER {
            packs.push(std::mem::take(&mut pack));
            bytes = 0;
        }
    }
    packs.extend(Some(pack).filter(|pack| !pack.is_empty()));
    packs
}
