//! What the shim keeps in the instance's directory: the record, the exit, the lock. Owns the
//! directory, and puts back what someone removes from it.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};

use crate::lock::InstanceLock;
use crate::process::identity::is_same_process;
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
    /// Whether the directory is another shim's by now: nothing is written to it any more.
    is_superseded: bool,
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
            is_superseded: false,
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
        if self.is_superseded {
            return;
        }
        let _ = write_json(&self.dir.exit(), exit);
    }

    /// Puts back whatever is missing or was written by someone else.
    pub fn repair(&mut self, spec: &InstanceSpec) -> Repair {
        let mut repair = Repair::Done;
        if !self.is_in_place() {
            repair = self.remake_dir();
            if repair == Repair::Superseded {
                return repair;
            }
        }
        if !self.dir.spec().exists() {
            let _ = self.dir.write_spec(spec);
        }
        if self.written.is_none() || self.written != self.on_disk() {
            let _ = self.write();
        }
        repair
    }

    fn write(&mut self) -> io::Result<()> {
        if self.is_superseded {
            return Ok(());
        }
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

    fn remake_dir(&mut self) -> Repair {
        let mut builder = std::fs::DirBuilder::new();
        if builder
            .recursive(true)
            .mode(0o700)
            .create(self.dir.path())
            .is_err()
        {
            return Repair::Done;
        }
        match InstanceLock::take(self.dir.path()) {
            Ok(Some(lock)) => {
                self.lock = lock;
                Repair::DirRemade
            }
            // Someone who only asks holds it for a moment; a shim says who it is.
            Ok(None) if self.is_served_by_another() => {
                self.is_superseded = true;
                Repair::Superseded
            }
            Ok(None) | Err(_) => Repair::Done,
        }
    }

    fn is_served_by_another(&self) -> bool {
        self.dir
            .read_record()
            .is_ok_and(|record| record.shim != self.record.shim && is_same_process(&record.shim))
    }
}

/// What [`Store::repair`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    /// Everything is in place, or will be tried again.
    Done,
    /// The directory itself had been removed.
    DirRemade,
    /// The directory had been removed, and another shim has the instance since.
    Superseded,
}
