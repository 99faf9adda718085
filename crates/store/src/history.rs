//! What was done by hand and was no deployment.

use jiff::Timestamp;
use rusqlite::params;

use crate::codec::word;
use crate::environments::EnvironmentKey;
use crate::{Store, StoreError};

/// Something done by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What, for a person.
    pub what: String,
    /// Whether it succeeded.
    pub ok: bool,
    /// The result, for a person.
    pub result: String,
}

impl Store {
    /// Writes what was done.
    ///
    /// # Errors
    /// When the database fails.
    pub fn insert_operation(
        &self,
        key: &EnvironmentKey,
        row: &OperationRow,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO operation (app, environment, at, by, what, ok, result)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (app, environment) = (key.app.as_str(), key.environment.as_str());
        let values = params![
            app,
            environment,
            row.at.to_string(),
            row.by,
            row.what,
            row.ok,
            row.result
        ];
        self.lock().execute(sql, values)?;
        Ok(())
    }

    /// What was done to an environment, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn operations(
        &self,
        key: &EnvironmentKey,
        limit: u32,
    ) -> Result<Vec<OperationRow>, StoreError> {
        let sql = "SELECT at, by, what, ok, result FROM operation
                   WHERE app = ?1 AND environment = ?2 ORDER BY id DESC LIMIT ?3";
        let connection = self.lock();
        let mut query = connection.prepare_cached(sql)?;
        let (app, environment) = (key.app.as_str(), key.environment.as_str());
        let rows = query.query_and_then(params![app, environment, limit], |row| {
            Ok(OperationRow {
                at: word(row, "at")?,
                by: row.get("by")?,
                what: row.get("what")?,
                ok: row.get("ok")?,
                result: row.get("result")?,
            })
        })?;
        rows.collect()
    }
}
