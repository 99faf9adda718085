//! What happened to containers, as the engine's events tell: starts, ends, signals, lack of memory.
//!
//! The engine keeps only its latest events, and none over its own restart, so what was once heard
//! is kept here. Nothing is known only here: whoever comes later asks the engine what it still has.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bollard::models::EventMessage;
use jiff::{SignedDuration, Timestamp};

/// Facts kept of one container: more than any window of a crash loop asks for.
const KEPT: usize = 256;

/// How long after an end its event may be missing only because it is late.
const LATE: SignedDuration = SignedDuration::from_secs(2);

/// Something that happened to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// It was started, by whomever.
    Started,
    /// Its first process ended with this code.
    Died(i32),
    /// Someone had the engine send this signal.
    Signalled(i32),
    /// The kernel killed one of its processes for memory.
    OutOfMemory,
    /// We began to stop it. No event of the engine's.
    AskedToStop,
}

/// The actions of the engine's events that are facts.
pub(super) const ACTIONS: [&str; 4] = ["start", "die", "kill", "oom"];

impl Fact {
    /// The fact that an event tells, if it is one.
    pub fn of(event: &EventMessage) -> Option<Self> {
        let attribute = |name: &str| -> Option<i32> {
            let attributes = event.actor.as_ref()?.attributes.as_ref()?;
            attributes.get(name)?.parse().ok()
        };
        let what = match event.action.as_deref()? {
            "start" => What::Started,
            "die" => What::Died(attribute("exitCode")?),
            "kill" => What::Signalled(attribute("signal")?),
            "oom" => What::OutOfMemory,
            _ => return None,
        };
        let at = Timestamp::from_nanosecond(event.time_nano?.into()).ok()?;
        Some(Self { at, what })
    }
}

/// What is known of all containers, by the engine's id of them.
#[derive(Debug, Default)]
pub(super) struct History(Mutex<HashMap<String, Heard>>);

/// What is known of one.
#[derive(Debug, Default)]
struct Heard {
    facts: VecDeque<Fact>,
    /// The end up to which the engine was asked for what it still has.
    asked: Option<Asked>,
}

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    end: Timestamp,
    /// Whether the event of that end could not be late any more.
    in_time: bool,
}

impl History {
    /// Adds a fact, once, in its place.
    pub fn add(&self, container: &str, fact: Fact) {
        let mut all = self.lock();
        let facts = &mut all.entry(container.to_owned()).or_default().facts;
        let place = facts.partition_point(|known| known.at < fact.at);
        let mut same = facts.iter().skip(place).take_while(|f| f.at == fact.at);
        if same.any(|known| *known == fact) {
            return;
        }
        facts.insert(place, fact);
        if facts.len() > KEPT {
            facts.pop_front();
        }
    }

    /// The facts of a container, oldest first.
    pub fn of(&self, container: &str) -> Vec<Fact> {
        let all = self.lock();
        let heard = all.get(container);
        heard.map_or_else(Vec::new, |heard| heard.facts.iter().copied().collect())
    }

    /// Whether the engine should be asked for events of a container whose latest end was at `end`:
    /// nobody ever did, or that end is not among what was heard. Counts as having asked.
    pub fn should_ask(&self, container: &str, end: Timestamp, now: Timestamp) -> bool {
        let mut all = self.lock();
        let heard = all.entry(container.to_owned()).or_default();
        let is_end = |fact: &Fact| matches!(fact.what, What::Died(_)) && fact.at >= end;
        let should = match &heard.asked {
            None => true,
            Some(asked) if asked.end == end && asked.in_time => false,
            Some(_) => !heard.facts.iter().any(is_end),
        };
        if should {
            let in_time = now.duration_since(end) > LATE;
            heard.asked = Some(Asked { end, in_time });
        }
        should
    }

    /// Forgets a container that is gone.
    pub fn forget(&self, container: &str) {
        self.lock().remove(container);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Heard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a time")
    }

    #[test]
    fn what_is_heard_twice_is_one_fact_and_what_is_heard_late_is_in_its_place() {
        let history = History::default();
        let fact = |second, what| Fact {
            at: at(second),
            what,
        };
        let died = fact(2, What::Died(1));
        let started = fact(1, What::Started);
        for fact in [died, started, died, started] {
            history.add("a", fact);
        }
        assert_eq!(history.of("a"), [started, died]);
        assert_eq!(history.of("b"), []);
    }

    #[test]
    fn the_engine_is_asked_once_for_each_end_that_was_not_heard() {
        let history = History::default();
        assert!(history.should_ask("a", at(5), at(5)));
        assert!(history.should_ask("a", at(5), at(9)), "its event was late");
        assert!(!history.should_ask("a", at(5), at(9)));
        history.add(
            "a",
            Fact {
                at: at(20),
                what: What::Died(0),
            },
        );
        assert!(!history.should_ask("a", at(19), at(30)), "it was heard");
        assert!(history.should_ask("a", at(40), at(50)));
    }
}
