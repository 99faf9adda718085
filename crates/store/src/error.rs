//! What can go wrong with the store.

use std::path::{Path, PathBuf};

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be created.
    #[error("failed to create {path}")]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file could not be opened as a database.
    #[error("failed to open {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file was written by a newer Landfall.
    #[error("the state was written by a newer landfall (schema {found}, this one knows {known})")]
    Newer {
        /// Schema of the file.
        found: u32,
        /// Newest schema of this build.
        known: u32,
    },
    /// A query failed.
    #[error("failed to query the state")]
    Sql(#[from] rusqlite::Error),
    /// A stored value is not what it should be.
    #[error("failed to read {what} from the state")]
    Decode {
        /// Which value.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Another deployment of the environment is under way.
    #[error("another deployment of the environment is under way")]
    Busy,
    /// A row that must exist does not.
    #[error("no {0}")]
    Missing(String),
}

impl StoreError {
    pub(crate) fn open(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Open {
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the disk is full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Create { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Self::Sql(error) | Self::Open { source: error, .. } => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            _ => false,
        }
    }
}
