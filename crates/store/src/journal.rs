//! The journal: steps with their intent and outcome, and the switch.

use std::collections::BTreeSet;

use jiff::Timestamp;
use landfall_model::plan::StepName;
use landfall_model::rollout::Phase;
use landfall_model::snapshot::Table;
use landfall_model::{DeploymentId, InstanceId, ReleaseNumber, ServiceName};
use rusqlite::{Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use crate::codec::{encode, time_opt, word};
use crate::environments::EnvironmentKey;
use crate::instances::InstancePhase;
use crate::{Store, StoreError};

/// A step of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Its place.
    pub seq: u32,
    /// Which.
    pub name: StepName,
    /// What became of it.
    pub state: StepState,
    /// When its intent was written.
    pub started_at: Timestamp,
    /// When its outcome was written.
    pub ended_at: Option<Timestamp>,
    /// What it did, or why it failed.
    pub summary: Option<String>,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its intent is written; its effect may or may not have happened.
    Intent,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// Its effect was taken back.
    Undone,
}

/// What an environment was before the switch: all that going back needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Previous {
    /// What was live.
    pub live: Option<ReleaseNumber>,
    /// What the proxy served.
    pub routes: Option<Table>,
    /// What was stopped by hand.
    pub stopped: BTreeSet<ServiceName>,
    /// Instances that the switch took the routes from.
    pub replaced: Vec<InstanceId>,
}

/// What a switch makes true.
#[derive(Debug, Clone, PartialEq)]
pub struct Switch {
    /// The release that is live afterwards.
    pub live: Option<ReleaseNumber>,
    /// What the proxy should serve.
    pub routes: Table,
    /// What is stopped by hand.
    pub stopped: BTreeSet<ServiceName>,
    /// Instances that lose their routes.
    pub replaced: Vec<InstanceId>,
}

impl Store {
    /// Writes the intent of a step. A step that is repeated starts over.
    ///
    /// # Errors
    /// When the database fails.
    pub fn begin_step(
        &self,
        deployment: DeploymentId,
        name: StepName,
        at: Timestamp,
    ) -> Result<u32, StoreError> {
        let sql = "INSERT INTO step (deployment, seq, name, state, started_at)
                   SELECT ?1, coalesce(max(seq), 0) + 1, ?2, 'intent', ?3
                   FROM step WHERE deployment = ?1 RETURNING seq";
        let values = params![deployment.0, name.to_string(), at.to_string()];
        Ok(self.lock().query_row(sql, values, |row| row.get(0))?)
    }

    /// Writes the outcome of a step.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_step(
        &self,
        deployment: DeploymentId,
        seq: u32,
        state: StepState,
        at: Timestamp,
        summary: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE step SET state = ?3, ended_at = ?4, summary = ?5
                   WHERE deployment = ?1 AND seq = ?2";
        let state = encode(&state);
        let values = params![
            deployment.0,
            seq,
            state.trim_matches('"'),
            at.to_string(),
            summary
        ];
        self.lock().execute(sql, values)?;
        Ok(())
    }

    /// Writes that the effect of a step was taken back.
    ///
    /// # Errors
    /// When the database fails.
    pub fn undo_step(&self, deployment: DeploymentId, seq: u32) -> Result<(), StoreError> {
        let sql = "UPDATE step SET state = 'undone' WHERE deployment = ?1 AND seq = ?2";
        self.lock().execute(sql, params![deployment.0, seq])?;
        Ok(())
    }

    /// The steps of a deployment so far.
    ///
    /// # Errors
    /// When the database fails.
    pub fn steps(&self, deployment: DeploymentId) -> Result<Vec<StepRow>, StoreError> {
        let sql = "SELECT seq, name, state, started_at, ended_at, summary FROM step
                   WHERE deployment = ?1 ORDER BY seq";
        let connection = self.lock();
        let mut query = connection.prepare_cached(sql)?;
        let rows = query.query_and_then([deployment.0], |row| {
            Ok(StepRow {
                seq: row.get("seq")?,
                name: word(row, "name")?,
                state: word(row, "state")?,
                started_at: word(row, "started_at")?,
                ended_at: time_opt(row, "ended_at")?,
                summary: row.get("summary")?,
            })
        })?;
        rows.collect()
    }

    /// Makes the new routes what should be served, remembers what was, and moves the deployment
    /// to [`Phase::Switching`]. The proxy is not asked here.
    ///
    /// # Errors
    /// When the database fails.
    pub fn switch(
        &self,
        deployment: DeploymentId,
        key: &EnvironmentKey,
        switch: &Switch,
    ) -> Result<(), StoreError> {
        let environment = self
            .environment(key)?
            .ok_or_else(|| StoreError::Missing(format!("environment {key}")))?;
        let previous = Previous {
            live: environment.live,
            routes: environment.routes,
            stopped: environment.stopped,
            replaced: switch.replaced.clone(),
        };
        let mut connection = self.lock();
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Repeating a switch must not forget what was before its first attempt.
        let sql =
            "UPDATE deployment SET phase = ?2, previous = coalesce(previous, ?3) WHERE id = ?1";
        tx.execute(
            sql,
            params![deployment.0, encode(&Phase::Switching), encode(&previous)],
        )?;
        set_routes(&tx, key, switch.live, Some(&switch.routes), &switch.stopped)?;
        set_own_instances(&tx, deployment, InstancePhase::Serving)?;
        set_instances(&tx, &switch.replaced, InstancePhase::Draining)?;
        Ok(tx.commit()?)
    }

    /// Makes what was before the switch what should be served again, and moves the deployment to
    /// [`Phase::GoingBack`]. Does nothing else when no switch was written.
    ///
    /// # Errors
    /// When the database fails.
    pub fn switch_back(
        &self,
        deployment: DeploymentId,
        key: &EnvironmentKey,
    ) -> Result<Option<Previous>, StoreError> {
        let previous = self.deployment(deployment)?.previous;
        let mut connection = self.lock();
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = "UPDATE deployment SET phase = ?2 WHERE id = ?1";
        tx.execute(sql, params![deployment.0, encode(&Phase::GoingBack)])?;
        if let Some(previous) = &previous {
            set_routes(
                &tx,
                key,
                previous.live,
                previous.routes.as_ref(),
                &previous.stopped,
            )?;
            set_own_instances(&tx, deployment, InstancePhase::Draining)?;
            set_instances(&tx, &previous.replaced, InstancePhase::Serving)?;
        }
        tx.commit()?;
        Ok(previous)
    }
}

fn set_routes(
    tx: &Transaction<'_>,
    key: &EnvironmentKey,
    live: Option<ReleaseNumber>,
    routes: Option<&Table>,
    stopped: &BTreeSet<ServiceName>,
) -> Result<(), StoreError> {
    let sql = "UPDATE environment SET live = ?3, routes = ?4, stopped = ?5
               WHERE app = ?1 AND environment = ?2";
    let (live, routes, stopped) = (live.map(|n| n.0), routes.map(encode), encode(stopped));
    let (app, environment) = (key.app.as_str(), key.environment.as_str());
    tx.execute(sql, params![app, environment, live, routes, stopped])?;
    Ok(())
}

fn set_own_instances(
    tx: &Transaction<'_>,
    deployment: DeploymentId,
    phase: InstancePhase,
) -> Result<(), StoreError> {
    let sql = "UPDATE instance SET state = ?2 WHERE deployment = ?1 AND state <> 'gone'";
    tx.execute(sql, params![deployment.0, phase.as_str()])?;
    Ok(())
}

fn set_instances(
    tx: &Transaction<'_>,
    instances: &[InstanceId],
    phase: InstancePhase,
) -> Result<(), StoreError> {
    for id in instances {
        let sql = "UPDATE instance SET state = ?2 WHERE id = ?1 AND state <> 'gone'";
        tx.execute(sql, params![id.as_str(), phase.as_str()])?;
    }
    Ok(())
}
