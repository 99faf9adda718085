//! Offers: trees that are on their way, each with its index, in `offers/`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use landfall_model::Digest;

use super::contents::Contents;
use super::error::TransferError;
use super::part;
use super::patch;
use super::send::MAX_INDEX;
use super::similar::Earlier;
use super::wants::{TreeWants, WantedBlob};
use crate::blob;
use crate::disk::{sync_directory, write_durably};
use crate::error::{ContentError, Context as _};
use crate::garbage::list;
use crate::hold::Hold;
use crate::index::{EntryKind, TreeIndex};
use crate::path::TreePath;
use crate::store::ContentStore;

/// How long an offer keeps what has come of its tree from garbage collection after the last time
/// that the tree was offered or something of it came.
pub const OFFER_KEPT: Duration = Duration::from_secs(60 * 60);

/// A tree that came, and is complete.
#[derive(Debug, Clone)]
pub struct ReceivedTree {
    /// The tree.
    pub digest: Digest,
    /// Files in it.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Keeps the tree from garbage collection; see [`Hold`].
    pub hold: Hold,
}

impl ContentStore {
    /// Takes the offer of a tree, whose `index` comes as [`TreeSender::index`](super::TreeSender::index)
    /// gave it, and tells what is missing of it. `bases` are trees that may be earlier versions of it, the likeliest
    /// first; those that are not here are passed over. Offer again after a cut, as often as need be.
    ///
    /// What has come of the tree stays for [`OFFER_KEPT`]; the offer itself takes no more space than
    /// the index.
    ///
    /// # Errors
    /// When the index is not what the digest says, is based on a tree that is not here
    /// ([`TransferError::NoBaseTree`]: send it whole), the stream fails, or the disk is full.
    pub fn offer_tree(
        &self,
        digest: &Digest,
        index: &mut dyn Read,
        bases: &[Digest],
    ) -> Result<TreeWants, TransferError> {
        let packed = read_bounded(index)?;
        let _shared = self.share()?;
        let bytes = self.unpack_index(&packed)?;
        let found = Digest::of(&bytes);
        if found != *digest {
            let expected = *digest;
            return Err(TransferError::OtherIndex { expected, found });
        }
        let tree = decode(digest, &bytes)?;
        let contents = Contents::of(&tree)?;
        let scratch = self.scratch()?;
        let temp = scratch.path().join("offer");
        write_durably(&temp, &self.offer_path(digest), &bytes)?;
        Ok(self.wants(digest, &tree, &contents, bases))
    }

    /// Makes a tree visible, all of whose content has come. Doing it again does no harm.
    ///
    /// # Errors
    /// When content is missing ([`TransferError::Incomplete`]), the tree was not offered, or the
    /// disk is full. The store then has no such tree.
    pub fn finish_tree(&self, digest: &Digest) -> Result<ReceivedTree, TransferError> {
        let _shared = self.share()?;
        let hold = Hold::take(&self.holds(), digest)?;
        let index = load(self, digest)?;
        let blobs = index.blobs();
        let lacks = |blob: &&Digest| blob::find(&self.blobs(), blob).is_none();
        let missing: Vec<&Digest> = blobs.iter().filter(lacks).collect();
        if let Some(first) = missing.first() {
            return Err(TransferError::Incomplete {
                tree: *digest,
                missing: missing.len(),
                first: **first,
            });
        }
        let offer = self.offer_path(digest);
        match fs::rename(&offer, self.tree_path(digest)) {
            // Somebody else finished it, or it was there before.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            renamed => renamed.context("rename into place", &offer)?,
        }
        sync_directory(&self.trees())?;
        let (files, bytes) = index.totals();
        Ok(ReceivedTree {
            digest: *digest,
            files,
            bytes,
            hold,
        })
    }

    fn unpack_index(&self, packed: &[u8]) -> Result<Vec<u8>, TransferError> {
        let damaged = TransferError::Damaged("it is not an offered index");
        let (base, frame) = match packed.split_first() {
            Some((0, frame)) => (Vec::new(), frame),
            Some((1, rest)) => {
                let (base, frame) = rest.split_first_chunk().ok_or(damaged)?;
                let base = Digest::from_bytes(*base);
                let tree = self.tree(&base).map_err(|error| match error {
                    ContentError::NoTree(_) => TransferError::NoBaseTree(base),
                    error => error.into(),
                })?;
                (tree.encode(), frame)
            }
            _ => return Err(damaged),
        };
        let unpacked = patch::unpack(frame, &base, MAX_INDEX);
        unpacked.map_err(|_| TransferError::Damaged("its index cannot be unpacked"))
    }

    fn wants(
        &self,
        digest: &Digest,
        tree: &TreeIndex,
        contents: &Contents,
        bases: &[Digest],
    ) -> TreeWants {
        let is_here = |blob: &Digest| blob::find(&self.blobs(), blob).is_some();
        let missing: Vec<(Digest, u64)> = contents
            .iter()
            .filter(|(blob, _)| !is_here(blob))
            .copied()
            .collect();
        let kept: BTreeSet<Digest> = contents.iter().map(|(blob, _)| *blob).collect();
        let known = |base: &Digest| self.tree(base).ok();
        let earlier: Vec<TreeIndex> = match missing.is_empty() {
            true => Vec::new(),
            false => bases.iter().filter_map(known).collect(),
        };
        let earlier: Vec<Earlier<'_>> = earlier
            .iter()
            .map(|tree| Earlier::new(tree, &kept, is_here))
            .collect();
        let paths = first_paths(tree);
        let want = |(digest, size): (Digest, u64)| WantedBlob {
            digest,
            size,
            present: match size > super::SEGMENT {
                true => part::present(self, &digest, size),
                false => 0,
            },
            base: paths
                .get(&digest)
                .and_then(|path| earlier.iter().find_map(|tree| tree.base_of(path, size))),
        };
        let blobs: Vec<WantedBlob> = missing.into_iter().map(want).collect();
        let left = blobs.iter().map(|blob| blob.size - blob.present);
        TreeWants {
            tree: *digest,
            bytes: left.fold(0, u64::saturating_add),
            blobs,
        }
    }

    pub(super) fn offer_path(&self, digest: &Digest) -> PathBuf {
        self.offers().join(digest.hex())
    }
}

/// The index of a tree that is on its way, or has been finished by another transfer.
pub(super) fn load(store: &ContentStore, digest: &Digest) -> Result<TreeIndex, TransferError> {
    let path = store.offer_path(digest);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let tree = store.tree(digest);
            return tree.map_err(|_| TransferError::NotOffered(*digest));
        }
        read => read.context("read", &path)?,
    };
    if Digest::of(&bytes) != *digest {
        // As good as none: the next offer writes it anew.
        return Err(TransferError::NotOffered(*digest));
    }
    decode(digest, &bytes)
}

/// Begins the time anew that an offer is kept.
pub(super) fn touch(store: &ContentStore, digest: &Digest) -> Result<(), TransferError> {
    let path = store.offer_path(digest);
    let touched = File::options()
        .write(true)
        .open(&path)
        .and_then(|offer| offer.set_modified(SystemTime::now()));
    match touched {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let is_there = store.tree_path(digest).is_file();
            is_there
                .then_some(())
                .ok_or(TransferError::NotOffered(*digest))
        }
        touched => Ok(touched.context("touch", &path)?),
    }
}

/// What offers there are.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    /// Content of those that are to be kept.
    pub needed: HashSet<Digest>,
    /// Those that are too old, or damaged.
    pub stale: Vec<PathBuf>,
}

/// Looks through all offers.
pub(crate) fn offers(store: &ContentStore) -> Result<Offers, ContentError> {
    let mut offers = Offers::default();
    for path in list(&store.offers())? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let digest: Option<Digest> = format!("b3:{name}").parse().ok();
        let index = digest.filter(|_| is_live(&path));
        match index.and_then(|digest| load(store, &digest).ok()) {
            Some(index) => offers.needed.extend(index.blobs()),
            None => offers.stale.push(path),
        }
    }
    Ok(offers)
}

fn is_live(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|found| found.modified());
    modified.is_ok_and(|modified| match modified.elapsed() {
        Ok(age) => age < OFFER_KEPT,
        // The clock was put back since; by how much, that may have been the wrong time.
        Err(ahead) => ahead.duration() < OFFER_KEPT,
    })
}

fn decode(digest: &Digest, bytes: &[u8]) -> Result<TreeIndex, TransferError> {
    TreeIndex::decode(bytes).map_err(|source| TransferError::BadIndex {
        tree: *digest,
        source,
    })
}

fn read_bounded(index: &mut dyn Read) -> Result<Vec<u8>, TransferError> {
    let limit = patch::packed_limit(MAX_INDEX);
    let mut packed = Vec::new();
    let read = index.take(limit as u64 + 1).read_to_end(&mut packed);
    match read.map_err(TransferError::receiving)? <= limit {
        true => Ok(packed),
        false => Err(TransferError::IndexTooLarge { limit: MAX_INDEX }),
    }
}

/// Where each content is first in a tree.
pub(super) fn first_paths(tree: &TreeIndex) -> HashMap<Digest, &TreePath> {
    let mut paths = HashMap::new();
    for entry in tree.entries() {
        if let EntryKind::File { digest, .. } = entry.kind {
            paths.entry(digest).or_insert(&entry.path);
        }
    }
    paths
}
