//! What the shim keeps in the instance's directory: the record, the exit, the lock. Owns the
//! directory, and puts back what someone removes from it.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};

use crate::lock::InstanceLock;
use crate::record::{InstanceDir, Record, write_json};
use crate::{Exit, InstanceSpec};

/// The instance's directory, locked.
#[derive(Debug)]
pub(crate) struct Store {
    pub dir: InstanceDir,
    lock: InstanceLock,
    /// The record as it should be on disk.
    record: Record,
    /// The file that holds it; `None` when it could not be written.
    written: Option<FileId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Store {
    /// Writes the first record.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may be started.
    pub fn open(dir: InstanceDir, lock: InstanceLock, record: Record) -> io::Result<Self> {
        let mut store = Self {
            dir,
            lock,
            record,
            written: None,
        };
        store.write()?;
        Ok(store)
    }

    /// The locked directory.
    pub fn locked(&self) -> &std::fs::File {
        self.lock.dir()
    }

    /// The record.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Changes the record and writes it. A disk that is full delays the writing, no more.
    pub fn update(&mut self, change: impl FnOnce(&mut Record)) {
        change(&mut self.record);
        self.written = None;
        let _ = self.write();
    }

    /// Writes how the app ended.
    pub fn write_exit(&self, exit: &Exit) {
        let _ = write_json(&self.dir.exit(), exit);
    }

    /// Puts back whatever is missing or was written by someone else. True when the directory
    /// itself had to be made again.
    pub fn repair(&mut self, spec: &InstanceSpec) -> bool {
        let is_new = !self.is_in_place() && self.remake_dir().is_ok();
        if !self.dir.spec().exists() {
            let _ = self.dir.write_spec(spec);
        }
        if self.written.is_none() || self.written != self.on_disk() {
            let _ = self.write();
        }
        is_new
    }

    fn write(&mut self) -> io::Result<()> {
        self.dir.write_record(&self.record)?;
        self.written = self.on_disk();
        Ok(())
    }

    fn on_disk(&self) -> Option<FileId> {
        let data = std::fs::symlink_metadata(self.dir.state()).ok()?;
        let modified = (data.mtime(), data.mtime_nsec());
        Some(FileId {
            inode: data.ino(),
            size: data.size(),
            modified,
        })
    }

    /// Whether the locked directory is still the one at its path.
    fn is_in_place(&self) -> bool {
        let Ok(locked) = self.lock.dir().metadata() else {
            return false;
        };
        std::fs::metadata(self.dir.path())
            .is_ok_and(|there| (there.dev(), there.ino()) == (locked.dev(), locked.ino()))
    }

    fn remake_dir(&mut self) -> io::Result<()> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.dir.path())?;
        if let Some(lock) = InstanceLock::take(self.dir.path())? {
            self.lock = lock;
        }
        Ok(())
    }
}
