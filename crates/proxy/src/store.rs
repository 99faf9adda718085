//! The last snapshot on disk, so that a proxy that restarts serves without the agent.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use landfall_model::snapshot::{SNAPSHOT_FORMAT, Snapshot};

/// The file of the last snapshot.
#[derive(Debug)]
pub(crate) struct SnapshotFile {
    directory: PathBuf,
    path: PathBuf,
}

/// Why a stored snapshot cannot be used. The file stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("read the file")]
    Read(#[source] io::Error),
    #[error("parse the file")]
    Parse(#[source] serde_json::Error),
    #[error("the file has format {0}, newer than this build reads")]
    Newer(u64),
}

impl SnapshotFile {
    /// In this directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            path: directory.join("snapshot.json"),
            directory: directory.to_owned(),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; `None` when there is none.
    pub(crate) fn load(&self) -> Result<Option<Snapshot>, LoadError> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LoadError::Read(error)),
        };
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(LoadError::Parse)?;
        match value["format"].as_u64() {
            Some(format) if format > u64::from(SNAPSHOT_FORMAT) => Err(LoadError::Newer(format)),
            _ => serde_json::from_value(value)
                .map(Some)
                .map_err(LoadError::Parse),
        }
    }

    /// Replaces it, so that a crash at any point leaves the old or the new one. It holds tokens:
    /// only the owner may read it.
    pub(crate) fn save(&self, snapshot: &Snapshot) -> io::Result<()> {
        let mut temporary = tempfile::NamedTempFile::new_in(&self.directory)?;
        let file = temporary.as_file_mut();
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(&serde_json::to_vec(snapshot)?)?;
        file.sync_all()?;
        temporary.persist(&self.path).map_err(|error| error.error)?;
        File::open(&self.directory)?.sync_all()
    }
}
