//! Which artifact was built from which inputs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use landfall_model::{AppName, Digest, ServiceName};
use rusqlite::{Row, params};

use crate::codec::{encode, json, word};
use crate::{Store, StoreError};

/// A build that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRow {
    /// Digest of its inputs.
    pub inputs: Digest,
    /// Digest of the tree it made.
    pub artifact: Digest,
    /// Digest of every input by path.
    pub files: BTreeMap<String, Digest>,
}

fn read(row: &Row<'_>) -> Result<BuildRow, StoreError> {
    Ok(BuildRow {
        inputs: word(row, "inputs")?,
        artifact: word(row, "artifact")?,
        files: json(row, "files")?,
    })
}

impl Store {
    /// Writes a build, in place of one with the same inputs.
    ///
    /// # Errors
    /// When the database fails.
    pub fn insert_build(
        &self,
        app: &AppName,
        service: &ServiceName,
        build: &BuildRow,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO build (app, service, inputs, artifact, files, built_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (inputs, artifact) = (build.inputs.to_string(), build.artifact.to_string());
        let (files, at) = (encode(&build.files), at.to_string());
        let values = params![app.as_str(), service.as_str(), inputs, artifact, files, at];
        self.lock().execute(sql, values)?;
        Ok(())
    }

    /// The build with these inputs.
    ///
    /// # Errors
    /// When the database fails.
    pub fn build(
        &self,
        app: &AppName,
        service: &ServiceName,
        inputs: &Digest,
    ) -> Result<Option<BuildRow>, StoreError> {
        let end = "AND inputs = ?3";
        self.one_build(
            end,
            params![app.as_str(), service.as_str(), inputs.to_string()],
        )
    }

    /// The newest build of a service.
    ///
    /// # Errors
    /// When the database fails.
    pub fn newest_build(
        &self,
        app: &AppName,
        service: &ServiceName,
    ) -> Result<Option<BuildRow>, StoreError> {
        let end = "ORDER BY built_at DESC, rowid DESC LIMIT 1";
        self.one_build(end, params![app.as_str(), service.as_str()])
    }

    /// What the newest builds of a service made, at most so many, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn newest_builds(
        &self,
        app: &AppName,
        service: &ServiceName,
        most: usize,
    ) -> Result<Vec<Digest>, StoreError> {
        let sql = "SELECT artifact FROM build WHERE app = ?1 AND service = ?2
                   ORDER BY built_at DESC, rowid DESC LIMIT ?3";
        let connection = self.lock();
        let mut query = connection.prepare_cached(sql)?;
        let mut rows = query.query(params![app.as_str(), service.as_str(), most])?;
        let mut newest = Vec::new();
        while let Some(row) = rows.next()? {
            newest.push(word(row, "artifact")?);
        }
        Ok(newest)
    }

    /// What the newest builds of every service of every app made, so many of each.
    ///
    /// # Errors
    /// When the database fails.
    pub fn newest_of_all(&self, most: usize) -> Result<BTreeSet<Digest>, StoreError> {
        let sql = "SELECT artifact FROM (
                       SELECT artifact, row_number() OVER (
                           PARTITION BY app, service ORDER BY built_at DESC, rowid DESC
                       ) AS place FROM build
                   ) WHERE place <= ?1";
        let connection = self.lock();
        let mut query = connection.prepare(sql)?;
        let mut rows = query.query(params![most])?;
        let mut newest = BTreeSet::new();
        while let Some(row) = rows.next()? {
            newest.insert(word(row, "artifact")?);
        }
        Ok(newest)
    }

    fn one_build(
        &self,
        end: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Option<BuildRow>, StoreError> {
        let sql = format!(
            "SELECT inputs, artifact, files FROM build WHERE app = ?1 AND service = ?2 {end}"
        );
        let connection = self.lock();
        let mut query = connection.prepare_cached(&sql)?;
        let mut rows = query.query(values)?;
        rows.next()?.map(read).transpose()
    }

    /// What all builds made.
    ///
    /// # Errors
    /// When the database fails.
    pub fn built(&self) -> Result<BTreeSet<Digest>, StoreError> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT DISTINCT artifact FROM build")?;
        let mut rows = query.query([])?;
        let mut built = BTreeSet::new();
        while let Some(row) = rows.next()? {
            built.insert(word(row, "artifact")?);
        }
        Ok(built)
    }

    /// Forgets builds whose artifact is not among `kept`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_builds_except(&self, kept: &BTreeSet<Digest>) -> Result<(), StoreError> {
        let built = self.built()?;
        let connection = self.lock();
        for artifact in built.difference(kept) {
            let sql = "DELETE FROM build WHERE artifact = ?1";
            connection.execute(sql, [artifact.to_string()])?;
        }
        Ok(())
    }
}
