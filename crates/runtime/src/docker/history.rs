//! What happened to containers, as the engine's events tell: starts, ends, signals, lack of memory.
//!
//! The engine keeps only its latest events, and none over its own restart, so what was once heard
//! is kept here. Nothing is known only here: whoever comes later asks the engine what it still has.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bollard::models::EventMessage;
use jiff::Timestamp;

/// Facts kept of one container: more than any window of a crash loop asks for.
const KEPT: usize = 256;

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

/// The facts of all containers, by the engine's id of them.
#[derive(Debug, Default)]
pub(super) struct History(Mutex<HashMap<String, VecDeque<Fact>>>);

impl History {
    /// Adds a fact, once, in its place.
    pub fn add(&self, container: &str, fact: Fact) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let facts = all.entry(container.to_owned()).or_default();
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
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(container)
            .map(|facts| facts.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Forgets a container that is gone.
    pub fn forget(&self, container: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(container);
    }
}
