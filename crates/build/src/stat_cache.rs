//! Hashes of files that have not changed since they were hashed.
//!
//! A file whose size, inode and times are as they were has the content it had, with one exception:
//! a second edit within the granularity of the filesystem's clock leaves the times alone. So, as
//! git does, nothing is remembered of a file that changed shortly before it was hashed. The cache
//! is an optimisation: whatever is wrong with it, hashing goes on without.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use landfall_model::Digest;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// The format of the cache; any other is ignored and replaced.
const FORMAT: u32 = 1;
/// Seconds. The coarsest clock of a filesystem in use (FAT) has two.
const GRANULARITY: i64 = 2;

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    size: u64,
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether an edit after `now` would leave another stamp.
    fn is_settled(&self, now: i64) -> bool {
        self.modified.0.max(self.changed.0) < now - GRANULARITY
    }
}

/// The cache, as it was read, and the place where it will be written.
#[derive(Debug)]
pub(crate) struct StatCache {
    path: PathBuf,
    known: BTreeMap<String, (Stamp, Digest)>,
    /// Made before any file is looked at: its own time is "now" by the filesystem's clock.
    next: Option<NamedTempFile>,
}

#[derive(Serialize, Deserialize)]
struct CacheV1<K> {
    format: u32,
    files: K,
}

impl StatCache {
    /// Reads the cache at `path`; without one, or with one that cannot be read, nothing is known.
    pub(crate) fn load(path: &Path) -> Self {
        let known = fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<CacheV1<_>>(&bytes).ok())
            .filter(|cache| cache.format == FORMAT)
            .map(|cache| cache.files)
            .unwrap_or_default();
        let next = path.parent().and_then(|directory| {
            fs::create_dir_all(directory).ok()?;
            NamedTempFile::new_in(directory).ok()
        });
        Self {
            path: path.to_owned(),
            known,
            next,
        }
    }

    /// The content of a file, if it is as it was.
    pub(crate) fn get(&self, path: &str, stamp: &Stamp) -> Option<Digest> {
        let (known, digest) = self.known.get(path)?;
        (known == stamp).then_some(*digest)
    }

    /// Remembers `files` in place of everything before.
    pub(crate) fn save<'a>(self, files: impl Iterator<Item = (&'a str, Stamp, Digest)>) {
        let Some(next) = self.next else { return };
        let Ok(now) = next.as_file().metadata().map(|made| made.mtime()) else {
            return;
        };
        let files: BTreeMap<&str, (Stamp, Digest)> = files
            .filter(|(_, stamp, _)| stamp.is_settled(now))
            .map(|(path, stamp, digest)| (path, (stamp, digest)))
            .collect();
        if let Err(error) = write(next, &self.path, &files) {
            tracing::debug!(path = %self.path.display(), %error, "hashes are not remembered");
        }
    }
}

/// Not synced: what a crash takes of a cache is only time.
fn write(
    next: NamedTempFile,
    path: &Path,
    files: &BTreeMap<&str, (Stamp, Digest)>,
) -> std::io::Result<()> {
    let mut out = BufWriter::new(next.as_file());
    let cache = CacheV1 {
        format: FORMAT,
        files,
    };
    serde_json::to_writer(&mut out, &cache)?;
    out.flush()?;
    drop(out);
    next.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_shortly_before_is_not_trusted() {
        let stamp = |seconds| Stamp {
            size: 1,
            device: 1,
            inode: 1,
            modified: (seconds, 0),
            changed: (0, 0),
        };
        assert!(stamp(96).is_settled(100));
        for racy in [98, 99, 100, 101] {
            assert!(!stamp(racy).is_settled(100), "{racy} was trusted");
        }
    }

    #[test]
    fn a_cache_that_cannot_be_read_knows_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("deep/cache.json");
        for bytes in [&b""[..], b"{", br#"{"format":9,"files":{}}"#, b"\xff\xfe"] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            assert!(StatCache::load(&path).known.is_empty());
        }
    }

    #[test]
    fn what_is_saved_is_known_until_the_file_changes() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("deep/cache.json");
        let stamp = Stamp {
            size: 3,
            device: 1,
            inode: 7,
            modified: (1000, 5),
            changed: (1000, 6),
        };
        let digest = Digest::of(b"abc");
        StatCache::load(&path).save([("a", stamp, digest)].into_iter());
        let cache = StatCache::load(&path);
        assert_eq!(cache.get("a", &stamp), Some(digest));
        let edited = Stamp {
            changed: (1001, 0),
            ..stamp
        };
        assert_eq!(cache.get("a", &edited), None);
        assert_eq!(cache.get("b", &stamp), None);
    }
}
