//! Following a container's log over restarts of the container and of the engine.
//!
//! The engine ends a stream whenever the container ends. It is asked again from a little before
//! the latest entry on, and what was read before is left out by its time and its place.

use std::time::Duration;

use futures_util::StreamExt;
use jiff::SignedDuration;
use landfall_model::InstanceId;
use tokio::sync::{mpsc, watch};

use super::DockerRuntime;
use super::inspected::Inspected;
use super::log_entries::Entry;
use super::logs::{Reading, Wanted};
use crate::{LogLine, LogQuery, RuntimeError};

/// How far the times of entries may be out of the order in which they were written: two streams
/// are read by two threads of the engine.
const OUT_OF_ORDER: SignedDuration = SignedDuration::from_secs(2);
/// Pause before a stream that ended is asked for again, unless an event comes first.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Nobody reads any more.
struct Unheard;

impl DockerRuntime {
    pub(super) async fn follow(
        &self,
        id: &InstanceId,
        query: &LogQuery,
        to: mpsc::Sender<LogLine>,
    ) -> Result<(), RuntimeError> {
        let mut bell = self.bell.subscribe();
        let mut container = self.look_at(id).await?;
        let mut reading = self.read_from(id, &container.id, query).await?;
        if send(&to, &mut reading).await.is_err() {
            return Ok(());
        }
        loop {
            bell.mark_unchanged();
            // Asked before reading: what it wrote before its end is read after it.
            match self.look(id).await {
                Ok(Some(now)) => {
                    if now.id != container.id {
                        let before = std::mem::take(&mut reading);
                        finish(&to, before).await?;
                    }
                    container = now;
                    match self.go_on(&container, &mut reading, &to, &mut bell).await {
                        Err(Unheard) => return Ok(()),
                        Ok(()) if !container.is_supervised() => return finish(&to, reading).await,
                        Ok(()) => {}
                    }
                }
                Ok(None) => return finish(&to, reading).await,
                // It comes back, and its logs with it.
                Err(RuntimeError::EngineDown { .. }) => {}
                Err(error) => return Err(error),
            }
            if pause(&to, &mut bell).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Sends what comes until the engine ends the stream, or the container has ended.
    async fn go_on(
        &self,
        container: &Inspected,
        reading: &mut Reading,
        to: &mpsc::Sender<LogLine>,
        bell: &mut watch::Receiver<u64>,
    ) -> Result<(), Unheard> {
        let latest = reading.cursor.latest();
        let wanted = Wanted {
            since: latest.and_then(|at| at.checked_sub(OUT_OF_ORDER).ok()),
            tail: None,
            follow: container.is_supervised(),
        };
        reading.cursor.begin_again();
        let id = &container.spec.id;
        let Ok(mut entries) = self.entries(id, &container.id, wanted).await else {
            return Ok(());
        };
        loop {
            tokio::select! {
                entry = entries.next() => match entry {
                    Some(Ok(entry)) => take(reading, &entry, to).await?,
                    Some(Err(error)) => {
                        tracing::debug!(instance = %id, %error, "the log is asked for again");
                        return Ok(());
                    }
                    None => return Ok(()),
                },
                () = to.closed() => return Err(Unheard),
                // Some engines leave the stream of an ended container open.
                _ = bell.changed(), if container.is_supervised() => {
                    let still = self.look(id).await;
                    if still.is_ok_and(|now| !now.is_some_and(|now| now.record.runs)) {
                        return Ok(());
                    }
                }
            }
        }
    }
}

async fn take(
    reading: &mut Reading,
    entry: &Entry,
    to: &mpsc::Sender<LogLine>,
) -> Result<(), Unheard> {
    if reading.cursor.is_new(entry) {
        reading.lines.extend(reading.joiner.add(&entry.raw()));
    }
    send(to, reading).await
}

async fn send(to: &mpsc::Sender<LogLine>, reading: &mut Reading) -> Result<(), Unheard> {
    for line in reading.lines.drain(..) {
        to.send(line).await.map_err(|_| Unheard)?;
    }
    Ok(())
}

/// Sends the line that was begun and never ended.
async fn finish(to: &mpsc::Sender<LogLine>, mut reading: Reading) -> Result<(), RuntimeError> {
    reading.lines = reading.joiner.finish();
    // Nobody may be there to read it.
    let _ = send(to, &mut reading).await;
    Ok(())
}

async fn pause(to: &mpsc::Sender<LogLine>, bell: &mut watch::Receiver<u64>) -> Result<(), Unheard> {
    tokio::select! {
        () = tokio::time::sleep(ASK_AGAIN) => Ok(()),
        _ = bell.changed() => Ok(()),
        () = to.closed() => Err(Unheard),
    }
}
