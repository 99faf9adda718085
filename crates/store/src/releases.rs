//! Releases.

use jiff::Timestamp;
use landfall_model::ReleaseNumber;
use landfall_model::release::Release;
use rusqlite::{Row, params};

use crate::codec::{encode, json, word};
use crate::environments::EnvironmentKey;
use crate::{Store, StoreError};

/// A release.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseRow {
    /// The release.
    pub release: Release,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who asked for it.
    pub created_by: String,
    /// Why it is not kept any more; `None` while a rollback to it is possible.
    pub retired: Option<String>,
}

fn read(row: &Row<'_>) -> Result<ReleaseRow, StoreError> {
    Ok(ReleaseRow {
        release: json(row, "body")?,
        created_at: word(row, "created_at")?,
        created_by: row.get("created_by")?,
        retired: row.get("retired")?,
    })
}

impl Store {
    /// Writes a release that has proved itself. Writing it again changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub fn insert_release(
        &self,
        key: &EnvironmentKey,
        release: &Release,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO release (app, environment, number, created_at, created_by, body)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
        let (app, environment) = (key.app.as_str(), key.environment.as_str());
        let values = params![
            app,
            environment,
            release.number.0,
            at.to_string(),
            by,
            encode(release)
        ];
        self.lock().execute(sql, values)?;
        Ok(())
    }

    /// A release.
    ///
    /// # Errors
    /// When the database fails.
    pub fn release(
        &self,
        key: &EnvironmentKey,
        number: ReleaseNumber,
    ) -> Result<Option<ReleaseRow>, StoreError> {
        let sql = "SELECT created_at, created_by, body, retired FROM release
                   WHERE app = ?1 AND environment = ?2 AND number = ?3";
        let connection = self.lock();
        let mut query = connection.prepare_cached(sql)?;
        let (app, environment) = (key.app.as_str(), key.environment.as_str());
        let mut rows = query.query(params![app, environment, number.0])?;
        rows.next()?.map(read).transpose()
    }

    /// Releases of an environment, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn releases(&self, key: &EnvironmentKey) -> Result<Vec<ReleaseRow>, StoreError> {
        let sql = "SELECT created_at, created_by, body, retired FROM release
                   WHERE app = ?1 AND environment = ?2 ORDER BY number DESC";
        let connection = self.lock();
        let mut query = connection.prepare_cached(sql)?;
        let rows = query.query_and_then([key.app.as_str(), key.environment.as_str()], read)?;
        rows.collect()
    }

    /// Writes why a rollback to a release is not possible any more.
    ///
    /// # Errors
    /// When the database fails.
    pub fn retire_release(
        &self,
        key: &EnvironmentKey,
        number: ReleaseNumber,
        why: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE release SET retired = coalesce(retired, ?4)
                   WHERE app = ?1 AND environment = ?2 AND number = ?3";
        let (app, environment) = (key.app.as_str(), key.environment.as_str());
        self.lock()
            .execute(sql, params![app, environment, number.0, why])?;
        Ok(())
    }
}
