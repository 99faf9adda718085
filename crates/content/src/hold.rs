//! Holds: trees that garbage collection spares although no release names them yet.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use landfall_model::Digest;

use crate::disk::try_lock;
use crate::error::{ContentError, Context as _};
use crate::scratch::is_at;

/// Keeps a tree from garbage collection, in this process and any other, until the last clone is
/// dropped or the process ends. Keep it until a release that names the tree is recorded.
#[derive(Debug, Clone)]
pub struct Hold(#[expect(dead_code, reason = "held for its drop")] Arc<Held>);

#[derive(Debug)]
struct Held {
    path: PathBuf,
    _lock: File,
}

impl Hold {
    /// Holds `digest` in the store's directory of holds. The caller shares the store's lock, so no
    /// collection is under way.
    pub(crate) fn take(holds: &Path, digest: &Digest) -> Result<Self, ContentError> {
        loop {
            let (lock, path) = tempfile::Builder::new()
                .prefix(&format!("{}.", digest.hex()))
                .rand_bytes(12)
                .tempfile_in(holds)
                .context("make a hold in", holds)?
                .keep()
                .map_err(|error| error.error)
                .context("make a hold in", holds)?;
            if try_lock(&lock).context("lock", &path)? && is_at(&lock, &path) {
                return Ok(Self(Arc::new(Held { path, _lock: lock })));
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A hold that stays behind is not locked any more, so it holds nothing.
        let _ = fs::remove_file(&self.path);
    }
}

/// The hexadecimal digests that live processes hold. Removes the holds of dead ones.
pub(crate) fn held(holds: &Path) -> Result<Vec<String>, ContentError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(holds).context("list", holds)? {
        let path = entry.context("list", holds)?.path();
        let Ok(file) = File::open(&path) else {
            continue;
        };
        if try_lock(&file).context("lock", &path)? {
            fs::remove_file(&path)
                .or_else(gone)
                .context("remove", &path)?;
        } else if let Some((hex, _)) = name(&path).split_once('.') {
            found.push(hex.to_owned());
        }
    }
    Ok(found)
}

fn name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Being removed already is being removed.
fn gone(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}
