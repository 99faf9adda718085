//! What the demo saw, as `--json` tells it.

use std::collections::BTreeMap;

use landfall_load::LoadReport;
use landfall_model::plan::StepName;
use landfall_model::rollout::Outcome;
use landfall_model::{Cause, ReleaseNumber};
use serde::Serialize;

use super::acts::Act;
use crate::deployment::Follow;

/// What the demo saw.
#[derive(Debug, Serialize)]
pub struct DemoReport {
    /// Requests and WebSocket messages that users sent.
    pub requests: u64,
    /// Those that were lost, reset, or answered by the proxy in the app's place.
    pub failed: u64,
    /// Those that the app itself answered with an error.
    pub app_errors: u64,
    /// Answers of a version that was not live while they were asked for.
    pub wrong_version: u64,
    /// Answers by version.
    pub answers: BTreeMap<String, u64>,
    /// How long the load went on, in milliseconds.
    pub load_ms: u64,
    /// Where the app was served.
    pub url: String,
    /// The deployments, in order.
    pub deployments: Vec<DemoDeployment>,
    /// What was not as expected, for a person; empty when all went well.
    pub unexpected: Vec<String>,
}

/// A deployment of the demo.
#[derive(Debug, Serialize)]
pub struct DemoDeployment {
    /// What it was to show.
    pub name: &'static str,
    /// The version that it shipped.
    pub version: &'static str,
    /// The release that it led to, or tried to.
    pub release: Option<ReleaseNumber>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why, when not well: kind, sentence and evidence.
    pub cause: Option<String>,
    /// Its steps.
    pub steps: Vec<DemoStep>,
    /// The cause in its parts.
    #[serde(skip)]
    pub found: Option<Cause>,
    /// The release that was live after it.
    pub live: Option<ReleaseNumber>,
}

/// A step of a deployment of the demo.
#[derive(Debug, Serialize)]
pub struct DemoStep {
    /// Which.
    pub name: StepName,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl DemoDeployment {
    /// What following it taught.
    pub fn new(act: &Act, follow: Follow) -> Self {
        let steps = follow.steps.iter().map(|step| DemoStep {
            name: step.name,
            ms: step.ms.unwrap_or_default(),
        });
        Self {
            name: act.name,
            version: act.version,
            release: follow.to,
            outcome: follow.outcome,
            cause: follow.cause.as_ref().map(in_one),
            steps: steps.collect(),
            found: follow.cause,
            live: follow.live,
        }
    }

    /// How long its steps took together, in milliseconds.
    pub fn ms(&self) -> u64 {
        self.steps.iter().map(|step| step.ms).sum()
    }
}

fn in_one(cause: &Cause) -> String {
    let mut text = format!("{}: {}", cause.kind, cause.summary);
    for line in &cause.evidence {
        text.push('\n');
        text.push_str(line);
    }
    text
}

impl DemoReport {
    /// From the load's own records and the deployments.
    pub fn new(
        load: &LoadReport,
        wrong_version: u64,
        url: String,
        deployments: Vec<DemoDeployment>,
    ) -> Self {
        let answers = load.by_version.iter();
        Self {
            requests: load.requests,
            failed: load.failed,
            app_errors: load.app_errors,
            wrong_version,
            answers: answers
                .map(|(name, seen)| (name.clone(), seen.answers))
                .collect(),
            load_ms: u64::try_from(load.lasted.as_millis()).unwrap_or(u64::MAX),
            url,
            deployments,
            unexpected: Vec::new(),
        }
    }
}
