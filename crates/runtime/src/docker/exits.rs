//! Why a container ended, and what it means for the next start. Pure.

use jiff::Timestamp;
use landfall_model::spec::RestartSpec;

use super::history::{Fact, What};
use crate::signal::is_own_fault;
use crate::{Exit, ExitReason};

/// What an engine adds to a signal's number to make an exit code of it.
const SIGNALLED: i32 = 128;
/// The highest signal.
const LAST_SIGNAL: i32 = 64;

/// How a container stands, as the engine's own record has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Record {
    /// Whether its process runs now, paused or not.
    pub runs: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Its latest start, if there was one.
    pub started: Option<Timestamp>,
    /// Its latest end, if there was one.
    pub finished: Option<Timestamp>,
    /// The code of its latest end; of no meaning while it runs.
    pub code: i32,
    /// Whether the kernel killed a process of its latest run for memory.
    pub out_of_memory: bool,
    /// Why it could not be started; empty when it could.
    pub error: String,
    /// Whether it is marked as one that we stopped.
    pub is_stopped_by_us: bool,
    /// How often the engine started it again.
    pub restarts: u32,
}

/// The latest exit; `None` when there was none, or the engine has forgotten it.
pub(super) fn last_exit(record: &Record, facts: &[Fact]) -> Option<Exit> {
    if !record.runs && !record.error.is_empty() {
        return Some(could_not_start(record));
    }
    let finished = record.finished?;
    let died = facts.iter().rposition(|fact| is_death(fact.what));
    if record.runs {
        let died = died?;
        let run = run_before(facts, died);
        let What::Died(code) = facts[died].what else {
            return None;
        };
        let at = facts[died].at;
        let started = run.first().filter(|fact| fact.what == What::Started);
        let ended = Ended {
            at,
            code,
            out_of_memory: has(run, |what| what == What::OutOfMemory),
            asked: has(run, |what| what == What::AskedToStop),
            began: started.map(|fact| fact.at),
        };
        return Some(ended.exit(run));
    }
    // The event of the end may come later than the engine's record of it.
    let run = match died {
        Some(died) if facts[died].at >= finished => run_before(facts, died),
        _ => run_before(facts, facts.len()),
    };
    let signalled = has(run, |what| matches!(what, What::Signalled(_)));
    let ended = Ended {
        at: finished,
        code: record.code,
        out_of_memory: record.out_of_memory || has(run, |what| what == What::OutOfMemory),
        // Marked after it had ended by itself, it was not stopped. With no facts the mark is all.
        asked: has(run, |what| what == What::AskedToStop)
            || (record.is_stopped_by_us && (signalled || run.is_empty())),
        began: record.started,
    };
    Some(ended.exit(run))
}

/// An end, with what is known of its run.
struct Ended {
    at: Timestamp,
    code: i32,
    out_of_memory: bool,
    /// Whether we had asked it to stop.
    asked: bool,
    began: Option<Timestamp>,
}

impl Ended {
    fn exit(&self, run: &[Fact]) -> Exit {
        let signal = signal_of(self.code);
        let killed = signal == Some(libc::SIGKILL);
        let reason = match signal {
            Some(libc::SIGKILL) if self.out_of_memory => ExitReason::OutOfMemory,
            _ if self.asked && killed && !was_asked_to_die(run) => ExitReason::StopTimedOut,
            _ if self.asked => ExitReason::Stopped,
            Some(signal) if !is_own_fault(signal) => ExitReason::KilledByOther,
            _ => ExitReason::Itself,
        };
        let ran = self.began.map(|began| self.at.duration_since(began));
        Exit {
            at: self.at,
            code: signal.is_none().then_some(self.code),
            signal,
            reason,
            ran_ms: ran
                .and_then(|ran| u64::try_from(ran.as_millis()).ok())
                .unwrap_or_default(),
        }
    }
}

/// Whether the first signal of a run was the kill: there was no grace to run out.
fn was_asked_to_die(run: &[Fact]) -> bool {
    let first = run.iter().find_map(|fact| match fact.what {
        What::Signalled(signal) => Some(signal),
        _ => None,
    });
    first == Some(libc::SIGKILL)
}

fn could_not_start(record: &Record) -> Exit {
    Exit {
        at: record.finished.unwrap_or(record.created),
        code: Some(record.code),
        signal: None,
        reason: ExitReason::CouldNotStart,
        ran_ms: 0,
    }
}

/// The signal that an exit code stands for.
pub(super) fn signal_of(code: i32) -> Option<i32> {
    (SIGNALLED + 1..=SIGNALLED + LAST_SIGNAL)
        .contains(&code)
        .then_some(code - SIGNALLED)
}

/// Whether it ends too often to be called anything but broken. The engine's count speaks where its
/// events are lost: it starts over with each start by hand.
pub(super) fn is_crash_looping(record: &Record, facts: &[Fact], spec: &RestartSpec) -> bool {
    let many = spec.crash_loop_exits;
    let Some(last) = record.finished.filter(|_| many > 0) else {
        return false;
    };
    let within = |at: Timestamp| last.duration_since(at).unsigned_abs() <= spec.crash_loop_window;
    let deaths = facts
        .iter()
        .filter(|fact| is_death(fact.what) && within(fact.at))
        .count();
    deaths >= many as usize || (record.restarts >= many && within(record.created))
}

/// The facts of the run that ended with the fact at `end`, its start first.
fn run_before(facts: &[Fact], end: usize) -> &[Fact] {
    let before = &facts[..end];
    let start = before.iter().rposition(|fact| fact.what == What::Started);
    // Where the start is forgotten, the end before it is what parts the runs.
    let begin = start.or_else(|| Some(before.iter().rposition(|f| is_death(f.what))? + 1));
    &before[begin.unwrap_or_default()..]
}

fn is_death(what: What) -> bool {
    matches!(what, What::Died(_))
}

fn has(run: &[Fact], is_it: impl Fn(What) -> bool) -> bool {
    run.iter().any(|fact| is_it(fact.what))
}

#[cfg(test)]
mod tests;
