//! A deployment as a Markdown report: what was asked for, what was done, how long it took, why it
//! failed, and what builds and tasks wrote.

use std::fmt::Write;

use landfall_model::DeploymentId;
use landfall_model::event::Event;
use landfall_model::rollout::Outcome;
use landfall_store::{EventRow, Store, StoreError};

use crate::api::types::{DeploymentView, StepState};

/// Every event of a deployment.
///
/// # Errors
/// When the store fails.
pub fn all_events(store: &Store, id: DeploymentId) -> Result<Vec<EventRow>, StoreError> {
    let mut all: Vec<EventRow> = Vec::new();
    loop {
        let after = all.last().map_or(0, |row| row.number);
        let page = store.events(id, after)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// The report.
pub fn markdown(view: &DeploymentView, events: &[EventRow]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, view, events);
    text
}

fn write(text: &mut String, view: &DeploymentView, events: &[EventRow]) -> std::fmt::Result {
    let (verb, app, environment) = (view.intent.verb(), &view.app, &view.environment);
    writeln!(
        text,
        "# Deployment {}: {verb} of {app} to {environment}\n",
        view.id
    )?;
    writeln!(text, "| | |\n|---|---|")?;
    writeln!(text, "| Outcome | {} |", outcome(view.outcome))?;
    let number =
        |n: Option<landfall_model::ReleaseNumber>| n.map_or("none".into(), |n| n.to_string());
    writeln!(
        text,
        "| Release | {} → {} |",
        number(view.from),
        number(view.to)
    )?;
    if let Some(commit) = &view.source.commit {
        let dirty = if view.source.dirty {
            ", with uncommitted changes"
        } else {
            ""
        };
        writeln!(text, "| Commit | {}{dirty} |", cell(commit))?;
    }
    for (name, value) in [
        ("Branch", &view.source.branch),
        ("Author", &view.source.author),
    ] {
        if let Some(value) = value {
            writeln!(text, "| {name} | {} |", cell(value))?;
        }
    }
    writeln!(text, "| Asked for by | {} |", cell(&view.by))?;
    writeln!(text, "| Asked for at | {} |", view.requested_at)?;
    if let (Some(begun), Some(ended)) = (view.started_at, view.ended_at) {
        writeln!(
            text,
            "| Took | {} ms |",
            ended.duration_since(begun).as_millis()
        )?;
    }
    write_cause(text, view)?;
    write_plan(text, view)?;
    write_steps(text, view)?;
    write_output(text, events)
}

fn outcome(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        None => "still under way",
        Some(Outcome::Succeeded) => "succeeded",
        Some(Outcome::Stopped) => "stopped before any user met it",
        Some(Outcome::RolledBack) => "rolled back",
        Some(Outcome::Superseded) => "superseded by a newer one",
    }
}

fn write_cause(text: &mut String, view: &DeploymentView) -> std::fmt::Result {
    let Some(cause) = &view.cause else {
        return Ok(());
    };
    writeln!(text, "\n## Cause\n\n**{}** ({})", cause.summary, cause.kind)?;
    if !cause.evidence.is_empty() {
        writeln!(
            text,
            "\n```text\n{}\n```",
            cause.evidence.join("\n").replace("```", "'''")
        )?;
    }
    match &cause.fix {
        Some(fix) => writeln!(text, "\nWhat to do: {fix}"),
        None => Ok(()),
    }
}

fn write_plan(text: &mut String, view: &DeploymentView) -> std::fmt::Result {
    let Some(plan) = &view.plan else {
        return Ok(());
    };
    writeln!(
        text,
        "\n## Plan\n\n| Service | Action | Why |\n|---|---|---|"
    )?;
    for line in &plan.services {
        let action = format!("{:?}", line.action).to_lowercase();
        writeln!(
            text,
            "| {} | {action} | {} |",
            line.service,
            cell(&line.reason)
        )?;
    }
    for note in &plan.notes {
        writeln!(text, "\n- {note}")?;
    }
    Ok(())
}

fn write_steps(text: &mut String, view: &DeploymentView) -> std::fmt::Result {
    writeln!(
        text,
        "\n## Steps\n\n| Step | Result | ms | |\n|---|---|---:|---|"
    )?;
    for step in &view.steps {
        let state = match step.state {
            StepState::Running => "under way",
            StepState::Done => "done",
            StepState::Failed => "failed",
            StepState::Undone => "undone",
        };
        let ms = step.ms.map_or(String::new(), |ms| ms.to_string());
        let summary = cell(step.summary.as_deref().unwrap_or_default());
        writeln!(text, "| {} | {state} | {ms} | {summary} |", step.name)?;
    }
    Ok(())
}

fn write_output(text: &mut String, events: &[EventRow]) -> std::fmt::Result {
    let line = |row: &EventRow| match &row.event {
        Event::Output { source, line, .. } => Some(format!("{source}: {line}")),
        Event::Progress { step, message } => Some(format!("[{step}] {message}")),
        _ => None,
    };
    let lines: Vec<String> = events.iter().filter_map(line).collect();
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n## Log\n\n```text\n{}\n```",
        lines.join("\n").replace("```", "'''")
    )
}

/// Text that does not break a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
