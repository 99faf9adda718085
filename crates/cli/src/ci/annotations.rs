//! What is shown beside the code and on top of a run.

use std::path::Path;

use landfall_model::Cause;
use landfall_model::rollout::Outcome;
use serde_json::Value;

use super::Record;
use crate::command_error::{CommandError, CommandResult};
use crate::deployment::DeploymentResult;
use crate::printer::Annotation;

/// Lines of evidence in an annotation; the summary has more, the report all.
const EVIDENCE: usize = 10;

/// Those of diagnostics of the configuration, as their JSON form tells them.
pub fn annotations(diagnostics: &Value) -> Vec<Annotation> {
    let found = diagnostics.as_array().into_iter().flatten();
    found.map(of_diagnostic).collect()
}

fn of_diagnostic(found: &Value) -> Annotation {
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    let labels = found["labels"].as_array();
    let place = labels.and_then(|labels| {
        let primary = labels.iter().find(|label| label["primary"] == true);
        primary.or(labels.first())
    });
    let mut message = text("message");
    let said = place.and_then(|label| label["text"].as_str());
    if let Some(said) = said.filter(|said| !said.is_empty()) {
        message.push_str(&format!(": {said}"));
    }
    if let Some(fix) = found["fix"].as_str() {
        message.push_str(&format!("\nfix: {fix}"));
    }
    Annotation {
        is_error: found["severity"] == "error",
        title: text("code"),
        file: place.and_then(|label| Some(in_repository(label["file"].as_str()?))),
        place: place.and_then(|label| Some((label["line"].as_u64()?, label["column"].as_u64()?))),
        message,
    }
}

/// A path as a person here writes it, from the root of the repository.
fn in_repository(path: &str) -> String {
    let root = std::env::var("GITHUB_WORKSPACE").unwrap_or_default();
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let resolved = absolute.canonicalize().unwrap_or(absolute);
    let root = Path::new(&root).canonicalize().unwrap_or_default();
    match resolved.strip_prefix(&root) {
        Ok(inside) if !root.as_os_str().is_empty() => inside.display().to_string(),
        _ => path.to_owned(),
    }
}

/// Why a job failed; none where it did not.
pub(super) fn of_end(record: &Record, done: &CommandResult) -> Vec<Annotation> {
    match done {
        Err(error) => of_error(error),
        Ok(_) => record.result.iter().filter_map(of_result).collect(),
    }
}

fn of_error(error: &CommandError) -> Vec<Annotation> {
    if let Some(diagnostics) = error.data("diagnostics") {
        return annotations(diagnostics);
    }
    let (causes, hints) = error.causes_and_hints();
    let cause = error.data("cause").cloned();
    let cause: Option<Cause> = cause.and_then(|cause| serde_json::from_value(cause).ok());
    let mut lines: Vec<String> = vec![error.message().to_owned()];
    lines.extend(causes.iter().map(|cause| format!("caused by: {cause}")));
    lines.extend(cause.iter().map(told));
    lines.extend(hints.iter().map(|hint| format!("hint: {hint}")));
    vec![Annotation {
        is_error: true,
        title: "not deployed".into(),
        message: lines.join("\n"),
        ..Annotation::default()
    }]
}

fn of_result(result: &DeploymentResult) -> Option<Annotation> {
    let what = match result.outcome {
        Some(Outcome::Stopped) => "was stopped before any user met it",
        Some(Outcome::RolledBack) => "was taken back after the switch",
        Some(Outcome::Superseded) => "never began: a newer deployment took its place",
        Some(Outcome::Succeeded) | None => return None,
    };
    let release = result.release;
    let release = release.map_or_else(|| "the deployment".into(), |r| format!("release {r}"));
    let why = result.cause.as_ref().map_or_else(String::new, told);
    Some(Annotation {
        is_error: true,
        title: format!("{release} {what}"),
        message: if why.is_empty() { what.into() } else { why },
        ..Annotation::default()
    })
}

fn told(cause: &Cause) -> String {
    let evidence = cause.evidence.iter().flat_map(|text| text.lines());
    let mut lines = vec![format!("{} [{}]", cause.summary, cause.kind)];
    lines.extend(evidence.take(EVIDENCE).map(|line| format!("  {line}")));
    lines.extend(cause.fix.iter().map(|fix| format!("fix: {fix}")));
    lines.join("\n")
}
