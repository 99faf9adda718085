//! History as a table: deployments and what else was done by hand, newest first.

use jiff::Timestamp;
use landfall_agent::api::types::{DeploymentView, HistoryView, OperationView};
use landfall_model::plan::Intent;
use landfall_model::rollout::{Outcome, Phase};

use crate::printer::{self, Cell, Paint, Table, Tone, human};

/// History, newest first.
pub fn history(history: &HistoryView, now: Timestamp, paint: Paint, width: usize) -> String {
    let mut table = Table::new(["ID", "WHEN", "WHAT", "RESULT", "TOOK", "BY", "WHY"]);
    let mut rows: Vec<(Timestamp, [Cell; 7])> = Vec::new();
    for deployment in &history.deployments {
        rows.push((deployment.requested_at, deployment_row(deployment, now)));
    }
    for operation in &history.operations {
        rows.push((operation.at, operation_row(operation, now)));
    }
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    for (_, row) in rows {
        table.row(row);
    }
    table.render(paint, width)
}

fn deployment_row(deployment: &DeploymentView, now: Timestamp) -> [Cell; 7] {
    let took = deployment
        .started_at
        .zip(deployment.ended_at)
        .and_then(|(from, to)| u64::try_from(to.duration_since(from).as_millis()).ok());
    let why = deployment
        .cause
        .as_ref()
        .map(|cause| printer::plain(&cause.summary));
    [
        Cell::new(deployment.id.to_string(), Tone::Strong),
        human::ago(deployment.requested_at, now).into(),
        what(deployment).into(),
        result(deployment),
        took.map(human::took).unwrap_or_default().into(),
        deployment.by.as_str().into(),
        why.unwrap_or_default().into(),
    ]
}

fn operation_row(operation: &OperationView, now: Timestamp) -> [Cell; 7] {
    let tone = if operation.ok { Tone::Good } else { Tone::Bad };
    let mark = if operation.ok {
        "✓ done"
    } else {
        "✗ failed"
    };
    [
        Cell::default(),
        human::ago(operation.at, now).into(),
        operation.what.as_str().into(),
        Cell::new(mark, tone),
        Cell::default(),
        operation.by.as_str().into(),
        printer::plain(&operation.result).into(),
    ]
}

fn what(deployment: &DeploymentView) -> String {
    let verb = deployment.intent.verb();
    match (&deployment.intent, deployment.from, deployment.to) {
        (Intent::Stop { .. } | Intent::Start { .. } | Intent::Restart { .. }, _, _) => verb.into(),
        (_, Some(from), Some(to)) => format!("{verb} {from} → {to}"),
        (_, None, Some(to)) => format!("{verb} {to}"),
        _ => verb.into(),
    }
}

fn result(deployment: &DeploymentView) -> Cell {
    match deployment.outcome {
        Some(Outcome::Succeeded) => Cell::new("✓ succeeded", Tone::Good),
        Some(Outcome::Stopped) => Cell::new("✗ stopped", Tone::Bad),
        Some(Outcome::RolledBack) => Cell::new("↩ rolled back", Tone::Bad),
        Some(Outcome::Superseded) => Cell::new("○ superseded", Tone::Faint),
        None if deployment.phase == Phase::Queued => Cell::new("… queued", Tone::Warn),
        None => Cell::new("… under way", Tone::Accent),
    }
}
