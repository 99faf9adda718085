//! Where all clients write their records.
//!
//! Owns the records and the live counters; the only place that changes either.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::record::{Failure, Kind, Label, Outcome, Record};
use crate::report::{LoadReport, Seen};

/// The records of a load that is under way.
pub(crate) struct Ledger {
    began: Instant,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    records: Vec<Record>,
    labels: Vec<String>,
    seen: BTreeMap<Label, Seen>,
    latest: Option<Label>,
    failed: u64,
    app_errors: u64,
    idle_closes: u64,
    crossed_closes: u64,
    open_websockets: u64,
}

/// The counters of a load, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Time since the load began.
    pub elapsed: Duration,
    /// Requests and WebSocket messages that came to an end.
    pub requests: u64,
    /// Those that a user lost.
    pub failed: u64,
    /// Those that the app itself answered with 400 or above.
    pub app_errors: u64,
    /// WebSockets open now.
    pub open_websockets: u64,
    /// Answers by version.
    pub by_version: BTreeMap<String, u64>,
    /// The version of the latest answer.
    pub latest: Option<String>,
}

/// What a client got.
pub(crate) enum Answer {
    /// An answer, complete.
    Complete {
        status: u16,
        version: Option<String>,
        proxy_error: Option<String>,
    },
    /// None.
    Lost(Failure),
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            books: Mutex::default(),
        }
    }

    /// Writes down a request that ended now.
    pub(crate) fn add(&self, kind: Kind, opened: Instant, started: Instant, answer: Answer) {
        // The end is read before the lock is waited for.
        let ended = self.began.elapsed();
        self.books().add(
            Record {
                kind,
                opened: opened.duration_since(self.began),
                started: started.duration_since(self.began),
                ended,
                outcome: Outcome::Failed(Failure::ClosedEarly),
            },
            answer,
        );
    }

    /// The server closed an idle connection without announcing it; no request was on it.
    pub(crate) fn idle_close(&self) {
        self.books().idle_closes += 1;
    }

    /// The server's goodbye on a WebSocket crossed a message of ours.
    pub(crate) fn crossed_close(&self) {
        self.books().crossed_closes += 1;
    }

    pub(crate) fn websocket_opened(&self) {
        self.books().open_websockets += 1;
    }

    pub(crate) fn websocket_closed(&self) {
        self.books().open_websockets -= 1;
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let books = self.books();
        let text = |label: &Label| books.labels[usize::from(label.0)].clone();
        Snapshot {
            elapsed: self.began.elapsed(),
            requests: books.records.len() as u64,
            failed: books.failed,
            app_errors: books.app_errors,
            open_websockets: books.open_websockets,
            by_version: books
                .seen
                .iter()
                .map(|(label, seen)| (text(label), seen.answers))
                .collect(),
            latest: books.latest.as_ref().map(text),
        }
    }

    /// Closes the books.
    pub(crate) fn report(&self) -> LoadReport {
        let books = std::mem::take(&mut *self.books());
        let by_version = books
            .seen
            .iter()
            .map(|(label, seen)| (books.labels[usize::from(label.0)].clone(), *seen))
            .collect();
        LoadReport {
            began: self.began,
            lasted: self.began.elapsed(),
            requests: books.records.len() as u64,
            failed: books.failed,
            app_errors: books.app_errors,
            idle_closes: books.idle_closes,
            crossed_closes: books.crossed_closes,
            by_version,
            records: books.records,
            labels: books.labels,
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // A client that panicked left nothing half-written: every change is one short push.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn add(&mut self, mut record: Record, answer: Answer) {
        record.outcome = match answer {
            Answer::Lost(failure) => Outcome::Failed(failure),
            Answer::Complete {
                status,
                version,
                proxy_error,
            } => Outcome::Answered {
                status,
                version: version.and_then(|text| self.label(text)),
                proxy_error: proxy_error.and_then(|text| self.label(text)),
            },
        };
        self.failed += u64::from(record.outcome.is_failure());
        self.app_errors += u64::from(record.outcome.is_app_error());
        if let Some(version) = record.outcome.version() {
            let seen = self.seen.entry(version).or_insert(Seen {
                answers: 0,
                first: record.ended,
                last: record.ended,
            });
            seen.answers += 1;
            seen.last = record.ended;
            self.latest = Some(version);
        }
        self.records.push(record);
    }

    /// The label of a text; `None` once there are more different ones than labels.
    fn label(&mut self, text: String) -> Option<Label> {
        let found = self.labels.iter().position(|known| *known == text);
        let index = found.unwrap_or_else(|| {
            self.labels.push(text);
            self.labels.len() - 1
        });
        u16::try_from(index).ok().map(Label)
    }
}
