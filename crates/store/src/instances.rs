//! Instances that deployments started.

use landfall_model::{DeploymentId, Digest, InstanceId, ReleaseNumber, ServiceName};
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::codec::word;
use crate::environments::EnvironmentKey;
use crate::{Store, StoreError};

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRow {
    /// Its id.
    pub id: InstanceId,
    /// Where it belongs.
    pub key: EnvironmentKey,
    /// Its service.
    pub service: ServiceName,
    /// The release that it was started for.
    pub release: ReleaseNumber,
    /// The deployment that started it.
    pub deployment: DeploymentId,
    /// Its port.
    pub port: Option<u16>,
    /// What it was started from; equal keys are interchangeable.
    pub digest: Digest,
    /// What it should be.
    pub phase: InstancePhase,
}

/// What an instance should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstancePhase {
    /// A deployment starts it; no user meets it yet.
    Planned,
    /// It should run and get requests.
    Serving,
    /// It should finish what it has and stop, once its deployment allows.
    Draining,
    /// It is gone; its log is kept with its release.
    Gone,
}

impl InstancePhase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Serving => "serving",
            Self::Draining => "draining",
            Self::Gone => "gone",
        }
    }
}

const COLUMNS: &str = "id, app, environment, service, release, deployment, port, key, state";

fn read(row: &Row<'_>) -> Result<InstanceRow, StoreError> {
    Ok(InstanceRow {
        id: word(row, "id")?,
        key: EnvironmentKey {
            app: word(row, "app")?,
            environment: word(row, "environment")?,
        },
        service: word(row, "service")?,
        release: ReleaseNumber(row.get("release")?),
        deployment: DeploymentId(row.get("deployment")?),
        port: row.get("port")?,
        digest: word(row, "key")?,
        phase: word(row, "state")?,
    })
}

impl Store {
    /// Writes an instance before it is started.
    ///
    /// # Errors
    /// When the database fails.
    pub fn insert_instance(&self, row: &InstanceRow) -> Result<(), StoreError> {
        let sql = format!("INSERT INTO instance ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)");
        let values = params![
            row.id.as_str(),
            row.key.app.as_str(),
            row.key.environment.as_str(),
            row.service.as_str(),
            row.release.0,
            row.deployment.0,
            row.port,
            row.digest.to_string(),
            row.phase.as_str(),
        ];
        self.lock().execute(&sql, values)?;
        Ok(())
    }

    /// Says what an instance should be.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_instance_phase(
        &self,
        id: &InstanceId,
        phase: InstancePhase,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE instance SET state = ?2 WHERE id = ?1";
        self.lock()
            .execute(sql, params![id.as_str(), phase.as_str()])?;
        Ok(())
    }

    /// Forgets an instance whose record and log were removed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn delete_instance(&self, id: &InstanceId) -> Result<(), StoreError> {
        self.lock()
            .execute("DELETE FROM instance WHERE id = ?1", [id.as_str()])?;
        Ok(())
    }

    /// All instances of an environment, gone ones included, by id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn instances(&self, key: &EnvironmentKey) -> Result<Vec<InstanceRow>, StoreError> {
        let end = "WHERE app = ?1 AND environment = ?2 ORDER BY id";
        self.select_instances(end, params![key.app.as_str(), key.environment.as_str()])
    }

    /// All instances of all environments, gone ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub fn all_instances(&self) -> Result<Vec<InstanceRow>, StoreError> {
        self.select_instances("ORDER BY id", params![])
    }

    fn select_instances(
        &self,
        end: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<InstanceRow>, StoreError> {
        let connection = self.lock();
        let mut query =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM instance {end}"))?;
        query.query_and_then(values, read)?.collect()
    }
}
