//! A disk of a size of its own: a file system in a file.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::Output;

/// A disk, mounted on the machine, of which a box sees one directory. Unmounted when it is dropped,
/// and with the engine's directory in any case.
#[derive(Debug)]
pub(super) struct SmallDisk {
    file: PathBuf,
    mount: PathBuf,
}

impl SmallDisk {
    pub(super) fn create(dir: &Path, name: &str, bytes: u64) -> Self {
        let disk = Self {
            file: dir.join(format!("{name}.disk")),
            mount: dir.join(format!("{name}.mount")),
        };
        let file = File::create(&disk.file).expect("a file for a disk");
        file.set_len(bytes).expect("a size");
        fs::create_dir(&disk.mount).expect("a place for a disk");
        let mut mkfs = Command::new("mkfs.ext4");
        // Nothing is kept back for root, and no journal takes what is small already.
        mkfs.args(["-q", "-F", "-m", "0", "-O", "^has_journal"]);
        Output::of(mkfs.arg(&disk.file)).ok();
        let mut mount = Command::new("mount");
        mount.args(["-t", "ext4", "-o", "loop"]);
        Output::of(mount.arg(&disk.file).arg(&disk.mount)).ok();
        fs::create_dir(disk.data()).expect("a directory on a disk");
        disk
    }

    /// What the box sees.
    pub(super) fn data(&self) -> PathBuf {
        self.mount.join("data")
    }

    /// What the box does not see.
    fn filler(&self) -> PathBuf {
        self.mount.join("filler")
    }

    pub(super) fn fill(&self, keep_free: u64) {
        let filler = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.filler())
            .expect("a filler");
        let there = filler.metadata().expect("its size").len();
        let space = statvfs(&self.mount).expect("the space of a disk");
        let more = (space.f_bavail * space.f_frsize).saturating_sub(keep_free);
        let more = more - more % space.f_frsize;
        if more > 0 {
            fallocate(&filler, FallocateFlags::empty(), there, more).expect("a fuller disk");
        }
    }

    pub(super) fn empty(&self) {
        fs::remove_file(self.filler()).expect("a disk that was filled");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Output::of(Command::new("umount").arg("--lazy").arg(&self.mount));
        let _ = fs::remove_file(&self.file);
        let _ = fs::remove_dir(&self.mount);
    }
}
