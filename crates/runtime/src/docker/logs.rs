//! Reading a container's log: what is there.

use bollard::query_parameters::LogsOptions;
use futures_util::{Stream as FutureStream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use landfall_model::InstanceId;

use super::log_entries::{Cursor, Entry};
use super::{DockerRuntime, labels};
use crate::log_joiner::Joiner;
use crate::{LogLine, LogQuery, RuntimeError, Stream};

/// Entries asked for beyond the lines that are wanted: the first of each of the two streams may
/// be the rest of a line that began before.
const MARGIN: usize = 2;

/// Which entries the engine is asked for.
pub(super) struct Wanted {
    pub since: Option<Timestamp>,
    pub tail: Option<usize>,
    pub follow: bool,
}

/// What was read of a log, and how to go on from there.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    pub lines: Vec<LogLine>,
    pub cursor: Cursor,
    pub joiner: Joiner,
}

impl DockerRuntime {
    pub(super) async fn read_logs(
        &self,
        id: &InstanceId,
        query: &LogQuery,
    ) -> Result<Vec<LogLine>, RuntimeError> {
        let container = self.look_at(id).await?;
        let mut reading = self.read_from(id, &container.id, query).await?;
        reading.lines.extend(reading.joiner.finish());
        Ok(last(reading.lines, query.tail))
    }

    /// Reads what a query asks for. Lines that have no end yet are left in the joiner.
    pub(super) async fn read_from(
        &self,
        id: &InstanceId,
        container: &str,
        query: &LogQuery,
    ) -> Result<Reading, RuntimeError> {
        let mut count = query.tail.map(|tail| tail.saturating_add(MARGIN));
        loop {
            let wanted = Wanted {
                since: query.since,
                tail: count,
                follow: false,
            };
            let entries = self.entries(id, container, wanted).await?;
            let entries: Vec<Entry> = entries.try_collect().await?;
            let is_all = count.is_none_or(|count| entries.len() < count);
            let mut reading = put_together(&entries, is_all);
            let is_wanted = |line: &LogLine| query.since.is_none_or(|since| line.at >= since);
            reading.lines.retain(is_wanted);
            let tail = query.tail.unwrap_or_default();
            if is_all || reading.lines.len() >= tail {
                reading.lines = last(reading.lines, query.tail);
                return Ok(reading);
            }
            count = count.map(|count| count.saturating_mul(2));
        }
    }

    /// The entries of a container's log as they come.
    pub(super) async fn entries(
        &self,
        id: &InstanceId,
        container: &str,
        wanted: Wanted,
    ) -> Result<
        impl FutureStream<Item = Result<Entry, RuntimeError>> + Unpin + Send + use<'_>,
        RuntimeError,
    > {
        let since = wanted.since.map(|at| at.as_second()).unwrap_or_default();
        let options = LogsOptions {
            follow: wanted.follow,
            stdout: true,
            stderr: true,
            // Whole seconds are all that can be said; what is too old is left out afterwards.
            since: i32::try_from(since).unwrap_or(i32::MAX),
            timestamps: true,
            tail: wanted
                .tail
                .map_or("all".to_owned(), |tail| tail.to_string()),
            ..LogsOptions::default()
        };
        let name = labels::container_name(id);
        let outputs = self.docker().await?.logs(container, Some(options));
        Ok(Box::pin(outputs.filter_map(move |output| {
            let entry = match output {
                Ok(output) => Entry::of(&output).map(Ok),
                Err(error) => {
                    let operation = format!("read the log of container {name}");
                    Some(Err(self.engine.failed(operation)(error)))
                }
            };
            std::future::ready(entry)
        })))
    }
}

/// Joins the parts of lines. Unless these are all entries, the first line of each stream may lack
/// its beginning and is left out.
fn put_together(entries: &[Entry], is_all: bool) -> Reading {
    let mut reading = Reading::default();
    for entry in entries {
        reading.cursor.is_new(entry);
        reading.lines.extend(reading.joiner.add(&entry.raw()));
    }
    if !is_all {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if let Some(first) = reading.lines.iter().position(|l| l.stream == stream) {
                reading.lines.remove(first);
            }
        }
    }
    reading
}

fn last(mut lines: Vec<LogLine>, tail: Option<usize>) -> Vec<LogLine> {
    let excess = tail.map_or(0, |tail| lines.len().saturating_sub(tail));
    lines.drain(..excess);
    lines
}
