//! Logs of an environment: the lines of all its instances, by time.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use jiff::Timestamp;
use landfall_model::{AppName, EnvironmentName, InstanceId, ReleaseNumber, ServiceName};
use landfall_runtime::{LogLine, LogQuery};
use landfall_store::{EnvironmentKey, InstanceRow};
use regex::Regex;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::Api;
use super::error::Failed;
use super::stream::ndjson;
use super::types::{ApiError, LogEntry};
use crate::redact::Redactor;

/// Lines that wait to be sent.
const BUFFER: usize = 256;
/// Time between looks for instances that are new, while following.
const LOOK: Duration = Duration::from_millis(500);

/// Query of [`logs`].
#[derive(Deserialize, Clone)]
pub struct LogsQuery {
    service: Option<ServiceName>,
    release: Option<ReleaseNumber>,
    tail: Option<usize>,
    since: Option<Timestamp>,
    #[serde(default)]
    follow: bool,
    grep: Option<String>,
}

/// Log lines as one JSON object a line, oldest first.
///
/// # Errors
/// When the environment does not exist or the pattern is not valid.
#[utoipa::path(
    get, path = "/v1/environments/{app}/{environment}/logs",
    params(
        ("app" = String, Path), ("environment" = String, Path),
        ("service" = Option<String>, Query, description = "only this service"),
        ("release" = Option<u32>, Query, description = "only instances started for this release"),
        ("tail" = Option<u64>, Query, description = "only the last lines"),
        ("since" = Option<String>, Query, description = "only lines from this moment on, RFC 3339"),
        ("follow" = Option<bool>, Query, description = "send further lines as they come"),
        ("grep" = Option<String>, Query, description = "only lines that match this regex"),
    ),
    responses(
        (status = 200, content_type = "application/x-ndjson", body = LogEntry),
        (status = 400, body = ApiError), (status = 404, body = ApiError)
    )
)]
pub async fn logs(
    State(api): State<Api>,
    Path((app, environment)): Path<(AppName, EnvironmentName)>,
    Query(query): Query<LogsQuery>,
) -> Result<Response, Failed> {
    let key = EnvironmentKey { app, environment };
    if api.world.store.environment(&key)?.is_none() {
        return Err(Failed::not_found(format!("there is no environment {key}")));
    }
    let grep = query.grep.as_deref().map(Regex::new).transpose();
    let grep =
        grep.map_err(|error| Failed::invalid(format!("the pattern is not valid: {error}")))?;
    let releases = api.world.store.releases(&key)?;
    let redactor = Redactor::new(releases.iter().map(|row| &row.release.spec));
    let reader = Reader {
        api,
        key,
        query,
        grep,
        redactor,
    };
    let (sender, receiver) = mpsc::channel(BUFFER);
    tokio::spawn(async move { reader.send(sender).await });
    Ok(ndjson(ReceiverStream::new(receiver)))
}

struct Reader {
    api: Api,
    key: EnvironmentKey,
    query: LogsQuery,
    grep: Option<Regex>,
    redactor: Redactor,
}

impl Reader {
    async fn send(self, sender: mpsc::Sender<LogEntry>) {
        let mut entries = Vec::new();
        for row in &self.rows() {
            let query = LogQuery {
                tail: None,
                since: self.query.since,
            };
            let lines = self
                .api
                .world
                .runtime
                .logs(&row.id, &query)
                .await
                .unwrap_or_default();
            entries.extend(lines.into_iter().filter_map(|line| self.entry(row, line)));
        }
        entries.sort_by_key(|entry| entry.line.at);
        let skipped = self
            .query
            .tail
            .map_or(0, |tail| entries.len().saturating_sub(tail));
        let last = entries.last().map(|entry| entry.line.at);
        for entry in entries.into_iter().skip(skipped) {
            if sender.send(entry).await.is_err() {
                return;
            }
        }
        if self.query.follow {
            self.follow(last, sender).await;
        }
    }

    /// Follows every instance, those that start later too.
    async fn follow(self, last: Option<Timestamp>, sender: mpsc::Sender<LogEntry>) {
        // From the next nanosecond on: the last line that was sent is not sent again.
        let since = last
            .map(|at| at + jiff::SignedDuration::from_nanos(1))
            .or(self.query.since);
        let mut followed: Vec<InstanceId> = Vec::new();
        let reader = Arc::new(self);
        let mut tick = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = sender.closed() => return,
                () = reader.api.stop.cancelled() => return,
            }
            for row in reader.rows() {
                if !followed.contains(&row.id) {
                    followed.push(row.id.clone());
                    tokio::spawn(follow_one(reader.clone(), row, since, sender.clone()));
                }
            }
        }
    }

    fn rows(&self) -> Vec<InstanceRow> {
        let rows = self
            .api
            .world
            .store
            .instances(&self.key)
            .unwrap_or_default();
        let wanted = |row: &InstanceRow| {
            self.query
                .service
                .as_ref()
                .is_none_or(|service| row.service == *service)
                && self
                    .query
                    .release
                    .is_none_or(|release| row.release == release)
        };
        rows.into_iter().filter(wanted).collect()
    }

    fn entry(&self, row: &InstanceRow, mut line: LogLine) -> Option<LogEntry> {
        line.text = self.redactor.redact(&line.text);
        if self
            .grep
            .as_ref()
            .is_some_and(|grep| !grep.is_match(&line.text))
        {
            return None;
        }
        Some(LogEntry {
            service: row.service.clone(),
            instance: row.id.clone(),
            release: row.release,
            line,
        })
    }
}

async fn follow_one(
    reader: Arc<Reader>,
    row: InstanceRow,
    since: Option<Timestamp>,
    sender: mpsc::Sender<LogEntry>,
) {
    let (lines, mut received) = mpsc::channel::<LogLine>(BUFFER);
    let query = LogQuery { tail: None, since };
    let runtime = &reader.api.world.runtime;
    let follow = runtime.follow_logs(&row.id, &query, lines);
    let forward = async {
        while let Some(line) = received.recv().await {
            if let Some(entry) = reader.entry(&row, line)
                && sender.send(entry).await.is_err()
            {
                break;
            }
        }
        // Tells the other side that nobody listens any more.
        drop(received);
    };
    // The instance's end closes the channel, and so ends both.
    if let (Err(error), ()) = tokio::join!(follow, forward) {
        tracing::debug!(instance = %row.id, ?error, "stopped following a log");
    }
}
