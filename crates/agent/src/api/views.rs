//! What rows look like to people.

use landfall_model::ReleaseNumber;
use landfall_store::{DeploymentRow, ReleaseRow, StepRow, Store, StoreError};

use super::types::{DeploymentView, ReleaseView, StepState, StepView};

/// A deployment with its steps and plan.
pub(super) fn deployment_view(
    store: &Store,
    row: DeploymentRow,
) -> Result<DeploymentView, StoreError> {
    let steps = store.steps(row.id)?.into_iter().map(step_view).collect();
    let source = row
        .release
        .map_or(row.request.source, |release| release.source);
    Ok(DeploymentView {
        id: row.id,
        app: row.key.app,
        environment: row.key.environment,
        intent: row.request.intent,
        phase: row.phase,
        outcome: row.phase.outcome(),
        cause: row.cause,
        from: row.from,
        to: row.to,
        by: row.requested_by,
        requested_at: row.requested_at,
        started_at: row.started_at,
        ended_at: row.ended_at,
        source,
        steps,
        plan: row.plan,
    })
}

fn step_view(row: StepRow) -> StepView {
    let ms = row
        .ended_at
        .map(|ended| ended.duration_since(row.started_at).as_millis());
    StepView {
        name: row.name,
        state: match row.state {
            landfall_store::StepState::Intent => StepState::Running,
            landfall_store::StepState::Done => StepState::Done,
            landfall_store::StepState::Failed => StepState::Failed,
            landfall_store::StepState::Undone => StepState::Undone,
        },
        started_at: row.started_at,
        ms: ms.map(|ms| u64::try_from(ms).unwrap_or(0)),
        summary: row.summary,
    }
}

/// A release, as lists show it.
pub fn release_view(row: ReleaseRow, live: Option<ReleaseNumber>) -> ReleaseView {
    let artifacts = row.release.artifacts.into_iter();
    ReleaseView {
        number: row.release.number,
        live: Some(row.release.number) == live,
        created_at: row.created_at,
        source: row.release.source,
        artifacts: artifacts
            .map(|(service, artifact)| (service, artifact.digest))
            .collect(),
        deployment: row.release.deployment,
        by: row.created_by,
        kept: row.retired.map_or(Ok(()), Err),
    }
}
