//! Events of deployments, numbered over the whole host and re-readable from any number on.

use jiff::Timestamp;
use landfall_model::DeploymentId;
use landfall_model::event::Event;
use rusqlite::params;

use crate::codec::{encode, json, word};
use crate::{Store, StoreError};

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// Its number.
    pub number: u64,
    /// The deployment.
    pub deployment: DeploymentId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Most events read at once, so that a reader holds the connection only shortly.
const PAGE: u32 = 1_000;

impl Store {
    /// Writes an event; its number.
    ///
    /// # Errors
    /// When the database fails.
    pub fn append_event(
        &self,
        deployment: DeploymentId,
        event: &Event,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let sql = "INSERT INTO event (deployment, at, body) VALUES (?1, ?2, ?3) RETURNING number";
        let values = params![deployment.0, at.to_string(), encode(event)];
        Ok(self.lock().query_row(sql, values, |row| row.get(0))?)
    }

    /// Events of a deployment with numbers above `after`, in order, at most a page.
    ///
    /// # Errors
    /// When the database fails.
    pub fn events(
        &self,
        deployment: DeploymentId,
        after: u64,
    ) -> Result<Vec<EventRow>, StoreError> {
        let sql = "SELECT number, at, body FROM event
                   WHERE deployment = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
        let connection = self.lock();
        let mut query = connection.prepare_cached(sql)?;
        let rows = query.query_and_then(params![deployment.0, after, PAGE], |row| {
            Ok(EventRow {
                number: row.get("number")?,
                deployment,
                at: word(row, "at")?,
                event: json(row, "body")?,
            })
        })?;
        rows.collect()
    }
}
