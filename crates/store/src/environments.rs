//! Environments: what is live and what the proxy should serve.

use std::collections::BTreeSet;
use std::fmt;

use landfall_model::snapshot::{Candidate, Table};
use landfall_model::{AppName, DeploymentId, EnvironmentName, ReleaseNumber, ServiceName};
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use crate::codec::{encode, json, json_opt, word};
use crate::{Store, StoreError};

/// An environment's name in full.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvironmentKey {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
}

impl fmt::Display for EnvironmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.app, self.environment)
    }
}

/// An environment.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvironmentRow {
    /// Which.
    pub key: EnvironmentKey,
    /// The number that the next release gets.
    pub next_release: ReleaseNumber,
    /// The live release.
    pub live: Option<ReleaseNumber>,
    /// Services stopped by hand.
    pub stopped: BTreeSet<ServiceName>,
    /// What the proxy should serve.
    pub routes: Option<Table>,
}

const COLUMNS: &str = "app, environment, next_release, live, stopped, routes";

fn read(row: &Row<'_>) -> Result<EnvironmentRow, StoreError> {
    let live: Option<u32> = row.get("live")?;
    Ok(EnvironmentRow {
        key: EnvironmentKey {
            app: word(row, "app")?,
            environment: word(row, "environment")?,
        },
        next_release: ReleaseNumber(row.get("next_release")?),
        live: live.map(ReleaseNumber),
        stopped: json(row, "stopped")?,
        routes: json_opt(row, "routes")?,
    })
}

impl Store {
    /// An environment, if anything was ever deployed to it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn environment(&self, key: &EnvironmentKey) -> Result<Option<EnvironmentRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM environment WHERE app = ?1 AND environment = ?2");
        let connection = self.lock();
        let mut query = connection.prepare_cached(&sql)?;
        let mut rows = query.query([key.app.as_str(), key.environment.as_str()])?;
        rows.next()?.map(read).transpose()
    }

    /// All environments, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn environments(&self) -> Result<Vec<EnvironmentRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM environment ORDER BY app, environment");
        let connection = self.lock();
        let mut query = connection.prepare_cached(&sql)?;
        query.query_and_then([], read)?.collect()
    }

    /// Makes the row of an environment when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ensure_environment(&self, key: &EnvironmentKey) -> Result<(), StoreError> {
        let sql = "INSERT INTO environment (app, environment, next_release, stopped)
                   VALUES (?1, ?2, 1, '[]') ON CONFLICT DO NOTHING";
        self.lock()
            .execute(sql, [key.app.as_str(), key.environment.as_str()])?;
        Ok(())
    }

    /// Takes a release number, for ever.
    ///
    /// # Errors
    /// When the database fails.
    pub fn take_release_number(&self, key: &EnvironmentKey) -> Result<ReleaseNumber, StoreError> {
        let sql = "UPDATE environment SET next_release = next_release + 1
                   WHERE app = ?1 AND environment = ?2 RETURNING next_release - 1";
        let keys = [key.app.as_str(), key.environment.as_str()];
        Ok(ReleaseNumber(
            self.lock().query_row(sql, keys, |row| row.get(0))?,
        ))
    }

    /// Makes an environment one to which nothing is deployed: no live release, no routes, no
    /// addresses, and no release to return to. Its row, its numbers and its history stay.
    ///
    /// # Errors
    /// When the database fails; then nothing of it has happened.
    pub fn clear_environment(&self, key: &EnvironmentKey, why: &str) -> Result<(), StoreError> {
        let (app, environment) = (key.app.as_str(), key.environment.as_str());
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "UPDATE environment SET live = NULL, routes = NULL, stopped = '[]'
             WHERE app = ?1 AND environment = ?2",
            [app, environment],
        )?;
        transaction.execute(
            "UPDATE release SET retired = coalesce(retired, ?3)
             WHERE app = ?1 AND environment = ?2",
            [app, environment, why],
        )?;
        transaction.execute(
            "DELETE FROM address WHERE app = ?1 AND environment = ?2",
            [app, environment],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// The stable port of a service, if it has one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn address(
        &self,
        key: &EnvironmentKey,
        service: &ServiceName,
    ) -> Result<Option<u16>, StoreError> {
        let sql = "SELECT port FROM address WHERE app = ?1 AND environment = ?2 AND service = ?3";
        let keys = [key.app.as_str(), key.environment.as_str(), service.as_str()];
        Ok(self
            .lock()
            .query_row(sql, keys, |row| row.get(0))
            .optional()?)
    }

    /// Gives a service a stable port.
    ///
    /// # Errors
    /// When the database fails, or another service has the port.
    pub fn set_address(
        &self,
        key: &EnvironmentKey,
        service: &ServiceName,
        port: u16,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO address (app, environment, service, port) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (app, environment, service) DO UPDATE SET port = excluded.port";
        let key = (
            key.app.as_str(),
            key.environment.as_str(),
            service.as_str(),
            port,
        );
        self.lock().execute(sql, key)?;
        Ok(())
    }

    /// Every port that is promised to something: instances that are not gone, and addresses.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ports_in_use(&self) -> Result<BTreeSet<u16>, StoreError> {
        let sql = "SELECT port FROM address UNION
                   SELECT port FROM instance WHERE port IS NOT NULL AND state <> 'gone'";
        let connection = self.lock();
        let mut query = connection.prepare_cached(sql)?;
        Ok(query
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?)
    }

    /// Makes a candidate reachable by its token.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_candidate(
        &self,
        deployment: DeploymentId,
        candidate: &Candidate,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO candidate (deployment, body) VALUES (?1, ?2)";
        self.lock()
            .execute(sql, params![deployment.0, encode(candidate)])?;
        Ok(())
    }

    /// Makes a candidate unreachable.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remove_candidate(&self, deployment: DeploymentId) -> Result<(), StoreError> {
        self.lock().execute(
            "DELETE FROM candidate WHERE deployment = ?1",
            [deployment.0],
        )?;
        Ok(())
    }

    /// All candidates.
    ///
    /// # Errors
    /// When the database fails.
    pub fn candidates(&self) -> Result<Vec<Candidate>, StoreError> {
        let connection = self.lock();
        let mut query =
            connection.prepare_cached("SELECT body FROM candidate ORDER BY deployment")?;
        query.query_and_then([], |row| json(row, "body"))?.collect()
    }
}
