//! What happens in a deployment, as facts in the past tense. Numbered by the store, re-readable.

use serde::{Deserialize, Serialize};

use crate::plan::StepName;
use crate::rollout::Outcome;
use crate::{Cause, ReleaseNumber};

/// A fact about a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// It waits for another deployment of the environment.
    Queued {
        /// The deployment it waits for.
        behind: u64,
    },
    /// It began.
    Started {
        /// The live release at that moment.
        from: Option<ReleaseNumber>,
        /// The release that it leads to; `None` when it stops everything.
        to: Option<ReleaseNumber>,
        /// Its steps in order.
        steps: Vec<StepName>,
    },
    /// A step began.
    StepStarted {
        /// Which.
        step: StepName,
    },
    /// Something worth a line happened within a step.
    Progress {
        /// Which step.
        step: StepName,
        /// For a person, redacted.
        message: String,
    },
    /// A line of output of a build or task.
    Output {
        /// Which step.
        step: StepName,
        /// The build or task.
        source: String,
        /// Redacted.
        line: String,
    },
    /// A step ended well.
    StepSucceeded {
        /// Which.
        step: StepName,
        /// How long it took, in milliseconds.
        ms: u64,
        /// What it did, for a person.
        summary: String,
    },
    /// A step failed.
    StepFailed {
        /// Which.
        step: StepName,
        /// How long it took, in milliseconds.
        ms: u64,
        /// Why.
        cause: Cause,
    },
    /// A step's effect was taken back.
    StepUndone {
        /// Which.
        step: StepName,
    },
    /// The proxy acknowledged the routes of a release.
    Switched {
        /// Snapshot generation.
        generation: u64,
        /// The release that users meet from now on.
        release: Option<ReleaseNumber>,
    },
    /// Someone asked for its end.
    CancelRequested {
        /// Who.
        by: String,
    },
    /// It ended.
    Finished {
        /// How.
        outcome: Outcome,
        /// Why, when not well.
        cause: Option<Cause>,
        /// The release that is live now.
        live: Option<ReleaseNumber>,
    },
}
