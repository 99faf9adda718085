//! What is known of a deployment from its events. Pure: events in, knowledge out.

use landfall_agent::api::types::{EventView, StepState};
use landfall_model::event::Event;
use landfall_model::plan::StepName;
use landfall_model::rollout::Outcome;
use landfall_model::{Cause, DeploymentId, ReleaseNumber};
use serde::Serialize;

/// A step that began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Which.
    pub name: StepName,
    /// What became of it.
    pub state: StepState,
    /// How long it took, in milliseconds; `None` while it goes on.
    pub ms: Option<u64>,
    /// What it did, or why it failed.
    pub summary: Option<String>,
}

/// What is known of a deployment.
#[derive(Debug, Clone)]
pub struct Follow {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The number of the last event that was seen; 0 before any.
    pub last_event: u64,
    /// The live release when it began.
    pub from: Option<ReleaseNumber>,
    /// The release that it leads to.
    pub to: Option<ReleaseNumber>,
    /// Steps that began, in order.
    pub steps: Vec<StepReport>,
    /// How it ended; `None` while it goes on.
    pub outcome: Option<Outcome>,
    /// Why, when not well.
    pub cause: Option<Cause>,
    /// The release that is live after it.
    pub live: Option<ReleaseNumber>,
}

impl Follow {
    /// Nothing is known yet.
    pub fn new(deployment: DeploymentId) -> Self {
        Self {
            deployment,
            last_event: 0,
            from: None,
            to: None,
            steps: Vec::new(),
            outcome: None,
            cause: None,
            live: None,
        }
    }

    /// Learns from an event. An event that was seen before teaches nothing; returns whether it
    /// was new.
    pub fn apply(&mut self, view: &EventView) -> bool {
        if view.number <= self.last_event {
            return false;
        }
        self.last_event = view.number;
        match &view.event {
            Event::Started { from, to, .. } => (self.from, self.to) = (*from, *to),
            Event::StepStarted { step } => self.steps.push(StepReport {
                name: *step,
                state: StepState::Running,
                ms: None,
                summary: None,
            }),
            Event::StepSucceeded { step, ms, summary } => {
                self.end(*step, StepState::Done, Some(*ms), Some(summary.clone()));
            }
            Event::StepFailed { step, ms, cause } => {
                self.end(
                    *step,
                    StepState::Failed,
                    Some(*ms),
                    Some(cause.summary.clone()),
                );
            }
            Event::StepUndone { step } => self.undo(*step),
            Event::Finished {
                outcome,
                cause,
                live,
            } => {
                self.outcome = Some(*outcome);
                self.cause.clone_from(cause);
                self.live = *live;
            }
            Event::Queued { .. }
            | Event::Progress { .. }
            | Event::Output { .. }
            | Event::Switched { .. }
            | Event::CancelRequested { .. } => {}
        }
        true
    }

    /// A step ended. One whose beginning was not seen, because the view began later, is known
    /// from now on.
    fn end(&mut self, name: StepName, state: StepState, ms: Option<u64>, summary: Option<String>) {
        let report = StepReport {
            name,
            state,
            ms,
            summary,
        };
        let running = |step: &&mut StepReport| step.name == name && step.ms.is_none();
        match self.steps.iter_mut().rev().find(running) {
            Some(step) => *step = report,
            None => self.steps.push(report),
        }
    }

    fn undo(&mut self, name: StepName) {
        let done = self
            .steps
            .iter_mut()
            .filter(|step| step.name == name && step.state != StepState::Failed);
        done.for_each(|step| step.state = StepState::Undone);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use landfall_model::CauseKind;

    use super::*;

    fn view(number: u64, event: Event) -> EventView {
        EventView {
            number,
            deployment: DeploymentId(1),
            at: Timestamp::UNIX_EPOCH,
            event,
        }
    }

    fn failed_start() -> Vec<EventView> {
        let cause = Cause::new(CauseKind::ExitedAtStart, "web exited");
        let (start, ready) = (StepName::Start, StepName::Ready);
        [
            Event::Started {
                from: Some(ReleaseNumber(2)),
                to: Some(ReleaseNumber(3)),
                steps: vec![start, ready],
            },
            Event::StepStarted { step: start },
            Event::StepSucceeded {
                step: start,
                ms: 5,
                summary: "started web".into(),
            },
            Event::StepStarted { step: ready },
            Event::StepFailed {
                step: ready,
                ms: 7,
                cause: cause.clone(),
            },
            Event::StepUndone { step: start },
            Event::Finished {
                outcome: Outcome::Stopped,
                cause: Some(cause),
                live: Some(ReleaseNumber(2)),
            },
        ]
        .into_iter()
        .zip(40..)
        .map(|(event, number)| view(number, event))
        .collect()
    }

    #[test]
    fn a_failed_deployment_is_known_with_its_cause_and_what_serves_now() {
        let mut follow = Follow::new(DeploymentId(1));
        for event in failed_start() {
            assert!(follow.apply(&event));
        }
        let states: Vec<_> = follow
            .steps
            .iter()
            .map(|step| (step.name, step.state))
            .collect();
        assert_eq!(
            states,
            [
                (StepName::Start, StepState::Undone),
                (StepName::Ready, StepState::Failed)
            ]
        );
        assert_eq!(follow.outcome, Some(Outcome::Stopped));
        assert_eq!(follow.live, Some(ReleaseNumber(2)));
        assert_eq!(follow.to, Some(ReleaseNumber(3)));
    }

    #[test]
    fn events_that_come_again_after_a_reconnect_are_not_counted_twice() {
        let mut follow = Follow::new(DeploymentId(1));
        for event in failed_start().into_iter().take(4) {
            follow.apply(&event);
        }
        for event in failed_start().into_iter().take(4) {
            assert!(!follow.apply(&event));
        }
        assert_eq!(follow.steps.len(), 2);
    }
}
