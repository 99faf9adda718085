//! What a build tells while it runs.

use crate::lines::OutputLine;

/// A piece of news of a build, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildProgress {
    /// A step began to run.
    StepStarted(Step),
    /// A step did not have to run: its result is known.
    StepCached(Step),
    /// A step ended well.
    StepDone(Step),
    /// A step failed, or was ended because another one did.
    StepFailed(Step),
    /// A step wrote a line.
    Line(Step, OutputLine),
}

/// A step of a build.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    /// Counts the steps of a build, from 1, in the order in which they were first heard of.
    pub number: usize,
    /// As BuildKit names it: `[build 2/4] RUN npm ci`.
    pub name: String,
}
