//! Whether the demo saw what it expects. A demo that lost a request has failed, however well it
//! looked.

use landfall_load::{LoadReport, Outcome as Answer};

use super::acts::{ACTS, Act};
use super::report::{DemoDeployment, DemoReport};

/// Failures explained one by one; the rest are counted.
const EXPLAINED: usize = 10;

/// Everything that is not as it should be, for a person.
pub fn unexpected(report: &DemoReport, load: &LoadReport) -> Vec<String> {
    let mut found = Vec::new();
    for (act, deployment) in ACTS.iter().zip(&report.deployments) {
        found.extend(deployment_differs(act, deployment));
    }
    if report.failed > 0 {
        let lines = load.explain_failures(EXPLAINED);
        found.push(format!(
            "{} requests were lost:\n{}",
            report.failed,
            lines.trim_end()
        ));
    }
    if report.wrong_version > 0 {
        let count = report.wrong_version;
        found.push(format!(
            "{count} answers came from a version that was not live"
        ));
    }
    found.extend(never_met(report));
    let others = app_errors_of_others(load, "v5");
    if others > 0 {
        found.push(format!("{others} errors came from other versions than v5"));
    }
    if report.requests == 0 {
        found.push("there was no load".into());
    }
    found
}

fn deployment_differs(act: &Act, deployment: &DemoDeployment) -> Option<String> {
    let name = act.name;
    if deployment.outcome != Some(act.outcome) {
        let outcome = deployment.outcome;
        let why = deployment.cause.as_deref().unwrap_or("without a cause");
        return Some(format!(
            "{name}: ended as {outcome:?} instead of {:?}: {why}",
            act.outcome
        ));
    }
    let kind = deployment.found.as_ref().map(|cause| cause.kind);
    let is_expected = match kind {
        None => act.causes.is_empty(),
        Some(kind) => act.causes.contains(&kind),
    };
    (!is_expected).then(|| format!("{name}: the cause found was {kind:?}"))
}

/// Versions that no user may have met.
fn never_met(report: &DemoReport) -> impl Iterator<Item = String> {
    ["v3", "v4"].into_iter().filter_map(|version| {
        let answers = report.answers.get(version)?;
        Some(format!("{answers} requests of users reached {version}"))
    })
}

fn app_errors_of_others(load: &LoadReport, version: &str) -> usize {
    let of_others = |outcome: &Answer| {
        outcome.is_app_error() && outcome.version().map(|label| load.text(label)) != Some(version)
    };
    load.records
        .iter()
        .filter(|record| of_others(&record.outcome))
        .count()
}
