//! What a load met, from its own records.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::record::{Kind, Label, Outcome, Record};

/// Everything that a load met.
#[derive(Debug, Clone)]
pub struct LoadReport {
    /// When it began; the times of records count from here.
    pub began: Instant,
    /// How long it lasted.
    pub lasted: Duration,
    /// Every request and WebSocket message, in the order of their ends.
    pub records: Vec<Record>,
    /// How many they are.
    pub requests: u64,
    /// Those that a user lost: not answered completely, or answered by the proxy itself.
    pub failed: u64,
    /// Those that the app itself answered with 400 or above.
    pub app_errors: u64,
    /// Idle connections that the server closed without announcing it, while no request was on
    /// them. Nothing was lost, but a client that had sent in that moment would have lost one.
    pub idle_closes: u64,
    /// WebSocket messages that crossed the server's clean goodbye on the wire, where no server can
    /// answer any more. They were sent again on the next connection.
    pub crossed_closes: u64,
    /// What was seen of each version.
    pub by_version: BTreeMap<String, Seen>,
    pub(crate) labels: Vec<String>,
}

/// What was seen of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Answers that told it.
    pub answers: u64,
    /// End of the first of them, since the load began.
    pub first: Duration,
    /// End of the last.
    pub last: Duration,
}

impl LoadReport {
    /// The text behind a label of this report's records.
    pub fn text(&self, label: Label) -> &str {
        self.labels
            .get(usize::from(label.0))
            .map_or("", String::as_str)
    }

    /// The requests that a user lost.
    pub fn failures(&self) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(|record| record.outcome.is_failure())
    }

    /// Answers of a version that was live at no moment between the beginning of the request and
    /// its end. `timeline` tells when each version was live; a version may be in it more than
    /// once. Messages of a WebSocket may come from any version that was live since it was opened,
    /// because a session stays where it began. Answers that tell no version are not judged.
    pub fn wrong_version<V: AsRef<str>>(&self, timeline: &[(Range<Instant>, V)]) -> Vec<&Record> {
        let wrong = |record: &&Record| {
            let Some(version) = record.outcome.version() else {
                return false;
            };
            let from = self.began + record.opened;
            let to = self.began + record.ended;
            !timeline.iter().any(|(live, name)| {
                name.as_ref() == self.text(version) && live.start <= to && from <= live.end
            })
        };
        self.records.iter().filter(wrong).collect()
    }

    /// One line about a record, for a person.
    pub fn describe(&self, record: &Record) -> String {
        let became = match record.outcome {
            Outcome::Failed(failure) => failure.to_string(),
            Outcome::Answered {
                status,
                version,
                proxy_error,
            } => {
                let by = match (proxy_error, version) {
                    (Some(reason), _) => format!(" by the proxy: {}", self.text(reason)),
                    (None, Some(version)) => format!(" by {}", self.text(version)),
                    (None, None) => String::new(),
                };
                format!("answered {status}{by}")
            }
        };
        let started = record.started.as_secs_f64();
        let took = (record.ended - record.started).as_secs_f64();
        format!("{started:.3} s: {} {became} after {took:.3} s", record.kind)
    }

    /// The failures, one line each, at most `limit` of them; empty when nothing was lost.
    pub fn explain_failures(&self, limit: usize) -> String {
        let mut text = String::new();
        for record in self.failures().take(limit) {
            text.push_str(&self.describe(record));
            text.push('\n');
        }
        if let more @ 1.. = self.failed.saturating_sub(limit as u64) {
            let _ = writeln!(text, "… and {more} more");
        }
        text
    }

    /// How many requests of a kind there were.
    pub fn count(&self, kind: Kind) -> usize {
        self.records
            .iter()
            .filter(|record| record.kind == kind)
            .count()
    }
}

#[cfg(test)]
mod tests;
