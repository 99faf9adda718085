//! Removing what no release needs.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use landfall_model::Digest;

use crate::blob;
use crate::disk::sync_directory;
use crate::error::{ContentError, Context as _};
use crate::hold::held;
use crate::store::ContentStore;
use crate::transfer::{list_parts, offers};

/// What a collection removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Trees that went.
    pub trees: u64,
    /// Images that went.
    pub images: u64,
    /// Blobs that went.
    pub blobs: u64,
    /// Bytes of disk that came free.
    pub bytes: u64,
    /// Trees that should be kept and that the store does not hold.
    pub missing: Vec<Digest>,
}

impl ContentStore {
    /// Removes every tree and image that is neither in `keep` nor held, and every blob that no
    /// remaining one needs and no tree that is on its way here: see
    /// [`OFFER_KEPT`](crate::transfer::OFFER_KEPT). Waits for ingests, materialisations and transfers that are under way,
    /// and they for it.
    ///
    /// # Errors
    /// When a kept tree or image is damaged, so that what it needs is unknown: then nothing is removed. Or
    /// when something cannot be removed.
    pub fn collect_garbage(&self, keep: &BTreeSet<Digest>) -> Result<Collected, ContentError> {
        let _alone = self.monopolise()?;
        let mut collected = Collected::default();
        let held: HashSet<String> = held(&self.holds())?.into_iter().collect();
        let kept: HashSet<String> = keep.iter().map(Digest::hex).chain(held).collect();
        let mut needed = HashSet::new();
        for hex in &kept {
            let Ok(digest) = format!("b3:{hex}").parse() else {
                continue;
            };
            match self.tree(&digest) {
                Ok(index) => needed.extend(index.blobs()),
                Err(ContentError::NoTree(missing)) if keep.contains(&missing) => {
                    collected.missing.push(missing);
                }
                Err(ContentError::NoTree(_)) => {}
                Err(error) => return Err(error),
            }
        }
        collected.missing.sort();
        let offers = offers(self)?;
        let images = self.images()?;
        for id in images.iter().filter(|id| kept.contains(&id.hex())) {
            needed.extend(self.image_blobs(id)?);
        }
        for path in &offers.stale {
            collected.bytes += remove(path)?;
        }
        for (path, digest) in list_parts(self)? {
            if digest.is_none_or(|digest| !offers.needed.contains(&digest)) {
                collected.bytes += remove(&path)?;
            }
        }
        needed.extend(offers.needed);
        collected.trees = remove_named(&self.trees(), &kept, &mut collected)?;
        collected.images = remove_named(&self.image_names(), &kept, &mut collected)?;
        self.remove_blobs(&needed, &mut collected)?;
        Ok(collected)
    }

    fn remove_blobs(
        &self,
        needed: &HashSet<Digest>,
        collected: &mut Collected,
    ) -> Result<(), ContentError> {
        for path in self.blob_files()? {
            let is_needed = blob::parse(&path).is_some_and(|(digest, _)| needed.contains(&digest));
            if !is_needed {
                collected.bytes += remove(&path)?;
                collected.blobs += 1;
            }
        }
        for path in list(&self.broken())? {
            collected.bytes += remove(&path)?;
        }
        Ok(())
    }

    /// Every file under `blobs/`.
    pub(crate) fn blob_files(&self) -> Result<Vec<PathBuf>, ContentError> {
        let mut files = Vec::new();
        for fan in list(&self.blobs())? {
            files.extend(list(&fan)?);
        }
        Ok(files)
    }
}

/// What a directory holds.
pub(crate) fn list(directory: &Path) -> Result<Vec<PathBuf>, ContentError> {
    fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .context("list", directory)
}

/// Removes from a directory what is not called like something that is kept; how many files
/// or directories that were. They are gone for good before the content that they named.
fn remove_named(
    directory: &Path,
    kept: &HashSet<String>,
    collected: &mut Collected,
) -> Result<u64, ContentError> {
    let mut removed = 0;
    for path in list(directory)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !kept.contains(name.as_ref()) {
            collected.bytes += remove(&path)?;
            removed += 1;
        }
    }
    sync_directory(directory)?;
    Ok(removed)
}

/// Removes a file. The bytes of disk that it took.
fn remove(path: &Path) -> Result<u64, ContentError> {
    // `blocks` counts 512 bytes each, whatever the filesystem's own unit.
    let bytes = fs::symlink_metadata(path).map_or(0, |found| found.blocks() * 512);
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        removed => removed.context("remove", path).map(|()| bytes),
    }
}
