//! The only SQL of Landfall: one SQLite file with the journal of deployments, releases, instances
//! and what every environment should serve.
//!
//! Every write is one transaction, durable when the call returns. Nothing here decides anything.

mod builds;
mod codec;
mod deployments;
mod environments;
mod error;
mod events;
mod history;
mod instances;
mod journal;
mod migrations;
mod releases;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::Connection;

pub use builds::BuildRow;
pub use deployments::{DeploymentRow, NewDeployment};
pub use environments::{EnvironmentKey, EnvironmentRow};
pub use error::StoreError;
pub use events::EventRow;
pub use history::OperationRow;
pub use instances::{InstancePhase, InstanceRow};
pub use journal::{Previous, StepRow, StepState, Switch};
pub use releases::ReleaseRow;

/// How long a write waits for another process that has the file open, such as a backup.
const BUSY: Duration = Duration::from_secs(5);

/// The store. Clones share one connection.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    /// Opens the file, creates it with mode 0600 when it does not exist, and migrates it.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a database, or was written by a newer Landfall.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path)?;
        Self::prepare(Connection::open(path).map_err(StoreError::open(path))?)
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// When SQLite cannot make one.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(mut connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // The journal must survive a power cut: in WAL mode only FULL syncs on every commit.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrations::migrate(&mut connection)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held left at most an open transaction, which its drop
        // rolled back; the connection itself is sound.
        self.connection
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A remembered setting.
    ///
    /// # Errors
    /// When the database fails.
    pub fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        use rusqlite::OptionalExtension;
        let connection = self.lock();
        let mut query = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
        Ok(query.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Remembers a setting.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.lock().execute(sql, [name, value])?;
        Ok(())
    }

    /// The next generation of route snapshots; never the same twice.
    ///
    /// # Errors
    /// When the database fails.
    pub fn next_generation(&self) -> Result<u64, StoreError> {
        let sql = "INSERT INTO meta (name, value) VALUES ('generation', '1')
                   ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1
                   RETURNING CAST(value AS INTEGER)";
        Ok(self.lock().query_row(sql, [], |row| row.get(0))?)
    }
}

fn create_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| StoreError::Create {
            path: path.to_owned(),
            source,
        })?;
    drop(file);
    Ok(())
}
