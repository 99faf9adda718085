//! Which version was live when, from the events of the deployments.

use std::ops::Range;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use landfall_agent::api::types::EventView;
use landfall_model::event::Event;
use landfall_model::plan::StepName;

/// When each version was live, as exactly as events tell: from the moment at which a switch to it
/// may have happened, to the moment at which a switch away from it was acknowledged.
#[derive(Debug)]
pub struct Timeline {
    spans: Vec<(Range<Instant>, String)>,
    live: Option<(Instant, String)>,
    now: (Instant, Timestamp),
    may_switch_from: Instant,
}

impl Timeline {
    /// Nothing is live yet. Events' times are told apart by the clocks of this moment.
    pub fn new(now: Instant, wall: Timestamp) -> Self {
        Self {
            spans: Vec::new(),
            live: None,
            now: (now, wall),
            may_switch_from: now,
        }
    }

    /// Learns from an event of a deployment; `version` names releases.
    pub fn apply(&mut self, view: &EventView, version: impl Fn(u32) -> Option<String>) {
        let at = self.instant(view.at);
        match &view.event {
            Event::StepStarted {
                step: StepName::Switch,
            }
            | Event::StepFailed { .. } => {
                self.may_switch_from = at;
            }
            Event::Switched { release, .. } => {
                if let Some((since, name)) = self.live.take() {
                    self.spans.push((since..at, name));
                }
                let name = release.and_then(|release| version(release.0));
                self.live = name.map(|name| (self.may_switch_from, name));
            }
            _ => {}
        }
    }

    /// The whole, as of `end`.
    pub fn finish(mut self, end: Instant) -> Vec<(Range<Instant>, String)> {
        if let Some((since, name)) = self.live.take() {
            self.spans.push((since..end, name));
        }
        self.spans
    }

    fn instant(&self, at: Timestamp) -> Instant {
        let (now, wall) = self.now;
        let apart = at.duration_since(wall);
        let length = Duration::try_from(apart.abs()).unwrap_or_default();
        let moved = match apart.is_negative() {
            true => now.checked_sub(length),
            false => now.checked_add(length),
        };
        moved.unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use landfall_model::{DeploymentId, ReleaseNumber};

    use super::*;

    #[test]
    fn two_versions_are_live_only_while_a_switch_is_under_way() {
        let (now, wall) = (Instant::now(), Timestamp::now());
        let mut timeline = Timeline::new(now, wall);
        let switched = |release| Event::Switched {
            generation: 1,
            release: Some(ReleaseNumber(release)),
        };
        let step = Event::StepStarted {
            step: StepName::Switch,
        };
        let events = [
            (1, step.clone()),
            (2, switched(1)),
            (10, step),
            (11, switched(2)),
        ];
        for (number, (second, event)) in (1..).zip(events) {
            let at = wall + SignedDuration::from_secs(second);
            let deployment = DeploymentId(1);
            let view = EventView {
                number,
                deployment,
                at,
                event,
            };
            timeline.apply(&view, |release| Some(format!("v{release}")));
        }
        let second = |n| now + Duration::from_secs(n);
        assert_eq!(
            timeline.finish(second(20)),
            [
                (second(1)..second(11), "v1".to_owned()),
                (second(10)..second(20), "v2".to_owned()),
            ]
        );
    }
}
