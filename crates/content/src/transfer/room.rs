//! Whether a tree fits on the disk, asked before any of it is sent.

use super::SEGMENT;
use super::error::TransferError;
use super::wants::TreeWants;
use crate::error::{ContentError, Context as _};
use crate::store::ContentStore;

/// Databases and logs of running apps must be able to go on: so many bytes stay free at least.
const LEAST_HEADROOM: u64 = 256 << 20;
/// More than this a large disk need not keep free.
const MOST_HEADROOM: u64 = 1 << 30;

/// A file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that it has in all.
    pub total: u64,
    /// Bytes that are free for this user.
    pub free: u64,
}

/// A file system has not enough space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the disk has {} MiB free, and the tree needs {} MiB besides {} MiB that stay free for what runs \
     there; remove old releases or other files, or enlarge the disk",
    .free >> 20, .needed.div_ceil(1 << 20), .headroom >> 20
)]
pub struct NoRoom {
    /// Bytes that the tree needs.
    pub needed: u64,
    /// Bytes that are free.
    pub free: u64,
    /// Bytes that have to stay free.
    pub headroom: u64,
}

impl Room {
    /// Whether `needed` bytes fit so that a twentieth stays free, 256 MiB at least and 1 GiB at
    /// most.
    ///
    /// # Errors
    /// When they do not.
    pub fn check(&self, needed: u64) -> Result<(), NoRoom> {
        let headroom = (self.total / 20).clamp(LEAST_HEADROOM, MOST_HEADROOM);
        let free = self.free;
        match needed.checked_add(headroom).is_some_and(|all| all <= free) {
            true => Ok(()),
            false => Err(NoRoom {
                needed,
                free,
                headroom,
            }),
        }
    }
}

impl ContentStore {
    /// The file system that the store is on.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn room(&self) -> Result<Room, ContentError> {
        let place = self.temp();
        let found = rustix::fs::statvfs(&place).context("look for free space at", &place)?;
        Ok(Room {
            total: found.f_blocks.saturating_mul(found.f_frsize),
            free: found.f_bavail.saturating_mul(found.f_frsize),
        })
    }

    /// Whether the store has room for what it wants. What a release takes outside the store is not
    /// counted.
    ///
    /// # Errors
    /// With [`NoRoom`] when it has not.
    pub fn check_room(&self, wants: &TreeWants) -> Result<(), TransferError> {
        Ok(self.room()?.check(needed(wants))?)
    }
}

/// Bytes that are missing, and once more the largest file that comes in segments: for a moment it
/// is there both as it came and as it is kept.
fn needed(wants: &TreeWants) -> u64 {
    let sizes = wants.blobs.iter().map(|blob| blob.size);
    let twice = sizes.filter(|size| *size > SEGMENT).max().unwrap_or(0);
    wants.bytes.saturating_add(twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    fn room(total: u64, free: u64) -> Room {
        Room { total, free }
    }

    #[test]
    fn a_twentieth_of_the_disk_stays_free_within_bounds() {
        assert!(room(20 * GIB, 2 * GIB).check(GIB).is_ok());
        let error = room(20 * GIB, 2 * GIB).check(GIB + 1).unwrap_err();
        assert_eq!(error.headroom, GIB);
        assert_eq!(room(GIB, 0).check(0).unwrap_err().headroom, 256 * MIB);
        assert_eq!(room(u64::MAX, 0).check(0).unwrap_err().headroom, GIB);
        assert!(room(u64::MAX, u64::MAX).check(u64::MAX).is_err());
    }

    #[test]
    fn the_refusal_says_what_is_there_and_what_is_needed() {
        let error = room(GIB, 300 * MIB).check(100 * MIB).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("the disk has 300 MiB free, and the tree needs 100 MiB besides 256")
        );
    }

    #[test]
    fn a_large_file_is_counted_twice() {
        let blob = |size| super::super::WantedBlob {
            digest: landfall_model::Digest::of(b"x"),
            size,
            present: 0,
            base: None,
        };
        let wants = TreeWants {
            tree: landfall_model::Digest::of(b"tree"),
            bytes: 10 * MIB,
            blobs: vec![blob(MIB), blob(9 * MIB)],
        };
        assert_eq!(needed(&wants), 19 * MIB);
    }
}
