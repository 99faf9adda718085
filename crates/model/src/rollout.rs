//! The life of a deployment as a total function: every phase and event give the next phase or an
//! error. The executor drives this, the journal records it, and nothing else decides.

use serde::{Deserialize, Serialize};

/// Where a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Waits for another deployment of its environment.
    Queued,
    /// Prepares the new release; no user can meet it.
    Preparing,
    /// Asked the proxy to switch and has no answer yet.
    Switching,
    /// Users meet the new release; the old one is still warm.
    Proving,
    /// The new release has proved itself; the old one is being put away.
    Finishing,
    /// Takes back what preparing did.
    Undoing,
    /// Switches back to the warm old release.
    GoingBack,
    /// Over.
    Ended(Outcome),
}

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The new release is live and proven.
    Succeeded,
    /// It was undone before any user met the new release.
    Stopped,
    /// Users met the new release and were brought back to the old one.
    RolledBack,
    /// A newer deployment took its place in the queue.
    Superseded,
}

/// What can happen to a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Happened {
    /// Its turn came.
    Begun,
    /// A newer deployment took its place in the queue, or it was cancelled there.
    Superseded,
    /// Everything before the switch is done; the proxy is asked.
    SwitchRequested,
    /// The proxy acknowledged the new routes.
    SwitchAcknowledged,
    /// The new release is proven.
    Proved,
    /// The last step is done.
    Completed,
    /// A step failed, or someone cancelled.
    Failed,
    /// All undos are done.
    Undone,
    /// The old release serves again and was verified.
    WentBack,
}

/// An event that cannot happen in a phase: a defect, never a user's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a deployment that is {phase:?}")]
pub struct IllegalTransition {
    /// Where it was.
    pub phase: Phase,
    /// What was said to happen.
    pub event: Happened,
}

impl Phase {
    /// The phase after `event`.
    ///
    /// # Errors
    /// When `event` cannot happen here.
    pub fn next(self, event: Happened) -> Result<Phase, IllegalTransition> {
        use Happened as H;
        use Phase as P;
        Ok(match (self, event) {
            (P::Queued, H::Begun) => P::Preparing,
            (P::Queued, H::Superseded) => P::Ended(Outcome::Superseded),
            (P::Queued, H::Failed) => P::Ended(Outcome::Stopped),
            (P::Preparing, H::SwitchRequested) => P::Switching,
            (P::Preparing, H::Failed) => P::Undoing,
            (P::Switching, H::SwitchAcknowledged) => P::Proving,
            (P::Switching | P::Proving, H::Failed) => P::GoingBack,
            (P::Proving, H::Proved) => P::Finishing,
            // What fails while the old release is put away is reported, and changes nothing:
            // the new release is live and proven.
            (P::Finishing, H::Completed | H::Failed) => P::Ended(Outcome::Succeeded),
            (P::Undoing, H::Undone) => P::Ended(Outcome::Stopped),
            (P::GoingBack, H::WentBack) => P::Ended(Outcome::RolledBack),
            (phase, event) => return Err(IllegalTransition { phase, event }),
        })
    }

    /// Whether cancelling can still change the outcome.
    pub fn can_cancel(self) -> bool {
        matches!(
            self,
            Self::Queued | Self::Preparing | Self::Switching | Self::Proving
        )
    }

    /// How it ended, if it did.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_before_the_switch_never_reaches_users() {
        assert_eq!(Phase::Preparing.next(Happened::Failed), Ok(Phase::Undoing));
        assert_eq!(
            Phase::Undoing.next(Happened::Undone),
            Ok(Phase::Ended(Outcome::Stopped))
        );
    }

    #[test]
    fn a_failure_after_the_switch_goes_back() {
        for phase in [Phase::Switching, Phase::Proving] {
            assert_eq!(phase.next(Happened::Failed), Ok(Phase::GoingBack));
        }
    }

    #[test]
    fn nothing_happens_after_the_end() {
        for outcome in [Outcome::Succeeded, Outcome::Stopped, Outcome::RolledBack] {
            for event in [Happened::Begun, Happened::Failed, Happened::Completed] {
                assert!(Phase::Ended(outcome).next(event).is_err());
            }
        }
    }
}
