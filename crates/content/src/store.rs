//! The store's directory: layout, format, locks.
//!
//! ```text
//! content/format            the number of this layout
//!         lock              shared by whoever reads or adds, alone by who collects garbage
//!         blobs/ab/cd…      content as it is        blobs/ab/cd….zst   the same, compressed
//!         trees/ab12…       tree indexes
//!         images/ab12…      which index describes the image of that id
//!         holds/ab12….x     trees and images that live processes still need
//!         offers/ab12…      indexes of trees that are on their way here
//!         parts/ab12…       what has come of large files that are on their way here
//!         broken/           damaged blobs that were set aside
//!         tmp/              what is not finished
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use landfall_model::Digest;
use rustix::fs::FlockOperation;
use rustix::io::retry_on_intr;

use crate::blob;
use crate::disk::{can_reflink, write_durably};
use crate::error::{ContentError, Context as _};
use crate::hold::Hold;
use crate::index::TreeIndex;
use crate::scratch::{Scratch, remove_stale};

/// The layout that this build writes, and the newest that it knows.
pub const STORE_FORMAT: u32 = 2;

/// The layout that has no images, which this build makes into its own by adding them.
const WITHOUT_IMAGES: u32 = 1;

/// What is in the store's directory; the first is itself.
const DIRECTORIES: [&str; 9] = [
    "", "blobs", "trees", "images", "holds", "offers", "parts", "broken", "tmp",
];

pub(crate) const SCRATCH_PREFIX: &str = "work-";

/// A content-addressed store of files and trees. Any number of processes may use one directory.
#[derive(Debug, Clone)]
pub struct ContentStore {
    root: PathBuf,
    reflink: bool,
}

/// The store's lock, until it is dropped.
#[derive(Debug)]
pub(crate) struct StoreLock(#[expect(dead_code, reason = "held for its drop")] File);

impl ContentStore {
    /// Opens the store at `root`, making it where there is none, and removes what killed processes
    /// left unfinished. Works on a full disk when the store exists.
    ///
    /// # Errors
    /// When the directory cannot be made or read, or was written by a newer Landfall.
    pub fn open(root: &Path) -> Result<Self, ContentError> {
        for directory in DIRECTORIES {
            let path = root.join(directory);
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .context("make", &path)?;
        }
        let mut store = Self {
            root: root.to_owned(),
            reflink: false,
        };
        remove_stale(&store.temp(), SCRATCH_PREFIX);
        store.check_format()?;
        store.reflink = can_reflink(&store.temp());
        Ok(store)
    }

    /// The index of a tree, checked against its digest.
    ///
    /// # Errors
    /// When the store does not hold it, or holds something else under its name.
    pub fn tree(&self, digest: &Digest) -> Result<TreeIndex, ContentError> {
        let path = self.tree_path(digest);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(ContentError::NoTree(*digest));
            }
            read => read.context("read", &path)?,
        };
        let damaged = |source| ContentError::DamagedTree {
            digest: *digest,
            source,
        };
        if Digest::of(&bytes) != *digest {
            return Err(damaged(TreeIndex::decode(&bytes).err()));
        }
        TreeIndex::decode(&bytes).map_err(|invalid| damaged(Some(invalid)))
    }

    /// Whether the store holds a tree and the content of all its files.
    pub fn contains_tree(&self, digest: &Digest) -> bool {
        self.tree(digest).is_ok_and(|index| {
            index
                .blobs()
                .iter()
                .all(|blob| blob::find(&self.blobs(), blob).is_some())
        })
    }

    /// Keeps a tree or an image from garbage collection while the hold lives. Ask
    /// [`contains_tree`](Self::contains_tree) or [`contains_image`](Self::contains_image) after taking it, not before.
    ///
    /// # Errors
    /// When the hold cannot be written.
    pub fn hold(&self, digest: &Digest) -> Result<Hold, ContentError> {
        let _shared = self.share()?;
        Hold::take(&self.holds(), digest)
    }

    /// Whether release trees share unwritten blocks with the store.
    pub(crate) fn reflinks(&self) -> bool {
        self.reflink
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn trees(&self) -> PathBuf {
        self.root.join("trees")
    }

    pub(crate) fn image_names(&self) -> PathBuf {
        self.root.join("images")
    }

    pub(crate) fn holds(&self) -> PathBuf {
        self.root.join("holds")
    }

    pub(crate) fn offers(&self) -> PathBuf {
        self.root.join("offers")
    }

    pub(crate) fn parts(&self) -> PathBuf {
        self.root.join("parts")
    }

    pub(crate) fn broken(&self) -> PathBuf {
        self.root.join("broken")
    }

    pub(crate) fn tree_path(&self, digest: &Digest) -> PathBuf {
        self.trees().join(digest.hex())
    }

    /// A directory for unfinished work.
    pub(crate) fn scratch(&self) -> Result<Scratch, ContentError> {
        Scratch::create(&self.temp(), SCRATCH_PREFIX)
    }

    /// Waits until no garbage is collected, and keeps it so.
    pub(crate) fn share(&self) -> Result<StoreLock, ContentError> {
        self.lock(FlockOperation::LockShared)
    }

    /// Waits until nobody reads or adds, and keeps it so.
    pub(crate) fn monopolise(&self) -> Result<StoreLock, ContentError> {
        self.lock(FlockOperation::LockExclusive)
    }

    pub(crate) fn temp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    fn lock(&self, operation: FlockOperation) -> Result<StoreLock, ContentError> {
        let path = self.root.join("lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .context("open", &path)?;
        retry_on_intr(|| rustix::fs::flock(&file, operation)).context("lock", &path)?;
        Ok(StoreLock(file))
    }

    fn check_format(&self) -> Result<(), ContentError> {
        let path = self.root.join("format");
        let found = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return self.write_format(&path),
            read => read.context("read", &path)?,
        };
        match found.trim().parse() {
            Ok(STORE_FORMAT) => Ok(()),
            Ok(WITHOUT_IMAGES) => self.write_format(&path),
            _ => Err(ContentError::UnknownFormat {
                path: self.root.clone(),
                found: found.trim().to_owned(),
            }),
        }
    }

    fn write_format(&self, path: &Path) -> Result<(), ContentError> {
        let scratch = self.scratch()?;
        let text = format!("{STORE_FORMAT}\n");
        write_durably(&scratch.path().join("format"), path, text.as_bytes())
    }
}
