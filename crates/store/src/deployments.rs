//! Deployments: who asked for what, and what became of it.

use jiff::Timestamp;
use landfall_model::plan::{Intent, Plan};
use landfall_model::release::{Release, SourceInfo};
use landfall_model::rollout::{Outcome, Phase};
use landfall_model::spec::AppSpec;
use landfall_model::{Cause, DeploymentId, ReleaseNumber};
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::codec::{encode, json, json_opt, time_opt, word};
use crate::environments::EnvironmentKey;
use crate::journal::Previous;
use crate::{Store, StoreError};

/// What was asked for. Kept for ever, so it holds no environment of the person who asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewDeployment {
    /// What.
    pub intent: Intent,
    /// For a deploy: the spec.
    pub spec: Option<AppSpec>,
    /// For a deploy: the source tree.
    pub root: Option<std::path::PathBuf>,
    /// For a deploy: where the source came from.
    pub source: SourceInfo,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentRow {
    /// Its id.
    pub id: DeploymentId,
    /// Where.
    pub key: EnvironmentKey,
    /// What was asked for.
    pub request: NewDeployment,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// Where it is.
    pub phase: Phase,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The live release before.
    pub from: Option<ReleaseNumber>,
    /// The release it leads to.
    pub to: Option<ReleaseNumber>,
    /// What it does.
    pub plan: Option<Plan>,
    /// The release it makes or returns to.
    pub release: Option<Release>,
    /// What to go back to.
    pub previous: Option<Previous>,
    /// Why it did not end well.
    pub cause: Option<Cause>,
    /// Who asked for its end.
    pub cancelled_by: Option<String>,
}

const COLUMNS: &str = "id, app, environment, request, requested_by, requested_at, phase, \
    started_at, ended_at, from_release, to_release, plan, release, previous, cause, cancelled_by";

fn read(row: &Row<'_>) -> Result<DeploymentRow, StoreError> {
    let number = |column| -> Result<Option<ReleaseNumber>, StoreError> {
        let number: Option<u32> = row.get(column)?;
        Ok(number.map(ReleaseNumber))
    };
    Ok(DeploymentRow {
        id: DeploymentId(row.get("id")?),
        key: EnvironmentKey {
            app: word(row, "app")?,
            environment: word(row, "environment")?,
        },
        request: json(row, "request")?,
        requested_by: row.get("requested_by")?,
        requested_at: word(row, "requested_at")?,
        phase: json(row, "phase")?,
        started_at: time_opt(row, "started_at")?,
        ended_at: time_opt(row, "ended_at")?,
        from: number("from_release")?,
        to: number("to_release")?,
        plan: json_opt(row, "plan")?,
        release: json_opt(row, "release")?,
        previous: json_opt(row, "previous")?,
        cause: json_opt(row, "cause")?,
        cancelled_by: row.get("cancelled_by")?,
    })
}

impl Store {
    /// Queues a deployment.
    ///
    /// # Errors
    /// When the database fails.
    pub fn queue_deployment(
        &self,
        key: &EnvironmentKey,
        request: &NewDeployment,
        by: &str,
        at: Timestamp,
    ) -> Result<DeploymentId, StoreError> {
        let sql = "INSERT INTO deployment
                   (app, environment, request, requested_by, requested_at, phase)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
        let (app, environment) = (key.app.as_str(), key.environment.as_str());
        let (request, at, phase) = (encode(request), at.to_string(), encode(&Phase::Queued));
        let values = params![app, environment, request, by, at, phase];
        Ok(DeploymentId(
            self.lock().query_row(sql, values, |row| row.get(0))?,
        ))
    }

    /// A deployment.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub fn deployment(&self, id: DeploymentId) -> Result<DeploymentRow, StoreError> {
        self.select("WHERE id = ?1", params![id.0])?
            .pop()
            .ok_or_else(|| StoreError::Missing(format!("deployment {id}")))
    }

    /// Deployments of an environment, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn deployments(
        &self,
        key: &EnvironmentKey,
        limit: u32,
    ) -> Result<Vec<DeploymentRow>, StoreError> {
        let end = "WHERE app = ?1 AND environment = ?2 ORDER BY id DESC LIMIT ?3";
        self.select(
            end,
            params![key.app.as_str(), key.environment.as_str(), limit],
        )
    }

    /// Deployments that have not ended, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open_deployments(&self) -> Result<Vec<DeploymentRow>, StoreError> {
        self.select("WHERE outcome IS NULL ORDER BY id", params![])
    }

    fn select(
        &self,
        end: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<DeploymentRow>, StoreError> {
        let connection = self.lock();
        let mut query =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM deployment {end}"))?;
        query.query_and_then(values, read)?.collect()
    }

    /// Writes what a deployment will do, and that it began.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another one of the environment is under way.
    pub fn begin_deployment(
        &self,
        id: DeploymentId,
        plan: &Plan,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE deployment SET phase = ?2, plan = ?3, started_at = ?4, from_release = ?5,
                   to_release = ?6 WHERE id = ?1";
        let (phase, body, at) = (encode(&Phase::Preparing), encode(plan), at.to_string());
        let (from, to) = (plan.from.map(|n| n.0), plan.to.map(|n| n.0));
        let done = self
            .lock()
            .execute(sql, params![id.0, phase, body, at, from, to]);
        match done {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
            {
                Err(StoreError::Busy)
            }
            other => other.map(drop).map_err(StoreError::from),
        }
    }

    /// Writes the release that a deployment makes or returns to.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_deployment_release(
        &self,
        id: DeploymentId,
        release: &Release,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE deployment SET release = ?2, to_release = ?3 WHERE id = ?1";
        self.lock()
            .execute(sql, params![id.0, encode(release), release.number.0])?;
        Ok(())
    }

    /// Moves a deployment to a phase that is not an end.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_phase(&self, id: DeploymentId, phase: Phase) -> Result<(), StoreError> {
        let sql = "UPDATE deployment SET phase = ?2 WHERE id = ?1";
        self.lock().execute(sql, params![id.0, encode(&phase)])?;
        Ok(())
    }

    /// Writes why a deployment fails, before anything is undone. The first cause stays.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_cause(&self, id: DeploymentId, cause: &Cause) -> Result<(), StoreError> {
        let sql = "UPDATE deployment SET cause = coalesce(cause, ?2) WHERE id = ?1";
        self.lock().execute(sql, params![id.0, encode(cause)])?;
        Ok(())
    }

    /// Asks for the end of a deployment. The first who asks stays.
    ///
    /// # Errors
    /// When the database fails.
    pub fn request_cancel(&self, id: DeploymentId, by: &str) -> Result<(), StoreError> {
        let sql = "UPDATE deployment SET cancelled_by = coalesce(cancelled_by, ?2) WHERE id = ?1";
        self.lock().execute(sql, params![id.0, by])?;
        Ok(())
    }

    /// Ends a deployment, once.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_deployment(
        &self,
        id: DeploymentId,
        outcome: Outcome,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE deployment SET phase = ?2, outcome = ?3, ended_at = ?4
                   WHERE id = ?1 AND outcome IS NULL";
        let phase = encode(&Phase::Ended(outcome));
        self.lock()
            .execute(sql, params![id.0, phase, encode(&outcome), at.to_string()])?;
        Ok(())
    }
}
