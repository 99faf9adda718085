//! Waits until an instance is ready: asks again and again, and stops at once when it exits.

mod failure;
mod probe;

use std::time::Duration;

use landfall_model::Cause;
use landfall_model::release::Release;
use landfall_model::spec::{Probe, ReadySpec};
use landfall_runtime::{Exit, InstanceStatus};
use landfall_store::InstanceRow;
use tokio::time::Instant;

use crate::executor::internal_cause;
use crate::instances::life;
use crate::world::World;
use failure::Failure;

/// First pause between questions: an app that starts fast is not kept waiting. Doubles up to the
/// interval of the service.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Waits until a new instance is ready; how long that took.
///
/// # Errors
/// With the cause: it exited, never listened, listens elsewhere, or never answered well.
pub async fn wait_ready(
    world: &World,
    release: &Release,
    row: &InstanceRow,
) -> Result<Duration, Cause> {
    Wait::new(world, release, row)?.run(None).await
}

/// Waits until an instance that ran before is ready again; its earlier exits do not count.
///
/// # Errors
/// As [`wait_ready`].
pub async fn wait_again(
    world: &World,
    release: &Release,
    row: &InstanceRow,
) -> Result<Duration, Cause> {
    let status = world
        .runtime
        .status(&row.id)
        .await
        .map_err(internal_cause)?;
    Wait::new(world, release, row)?.run(status.last_exit).await
}

struct Wait<'a> {
    world: &'a World,
    release: &'a Release,
    row: &'a InstanceRow,
    ready: ReadySpec,
    begun: Instant,
}

impl<'a> Wait<'a> {
    fn new(world: &'a World, release: &'a Release, row: &'a InstanceRow) -> Result<Self, Cause> {
        let ready = life(release, &row.service)?.ready.clone();
        Ok(Self {
            world,
            release,
            row,
            ready,
            begun: Instant::now(),
        })
    }

    async fn run(self, known_exit: Option<Exit>) -> Result<Duration, Cause> {
        let failure = tokio::select! {
            exit = self.exited(known_exit) => Failure::Exited(exit?),
            answer = self.probed() => match answer {
                Ok(()) => return Ok(self.begun.elapsed()),
                Err(failure) => failure,
            },
        };
        Err(failure
            .cause(self.world, self.release, self.row, &self.ready)
            .await)
    }

    /// Ends when the process exits.
    async fn exited(&self, known: Option<Exit>) -> Result<Exit, Cause> {
        let mut status = self
            .world
            .runtime
            .status(&self.row.id)
            .await
            .map_err(internal_cause)?;
        loop {
            if let Some(exit) = new_exit(&status, known.as_ref()) {
                return Ok(exit);
            }
            let changed = self.world.runtime.changed(&self.row.id, status.seq).await;
            status = changed.map_err(internal_cause)?;
        }
    }

    /// Asks until the answer is accepted, the deadline passes or failures are too many.
    async fn probed(&self) -> Result<(), Failure> {
        if let Probe::StaysUp { duration } = self.ready.probe {
            tokio::time::sleep(duration).await;
            return Ok(());
        }
        let (mut pause, mut failures) = (FIRST_PAUSE.min(self.ready.interval), 0);
        loop {
            let left = self.ready.within.saturating_sub(self.begun.elapsed());
            let answer = tokio::time::timeout(
                left,
                probe::ask(self.world, self.release, self.row, &self.ready),
            );
            let last = match answer.await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(last)) => last,
                Err(_) => format!("no answer within {} s", self.ready.within.as_secs()),
            };
            if self.begun.elapsed() > self.ready.start_period {
                failures += 1;
            }
            let too_many = self.ready.failures.is_some_and(|limit| failures >= limit);
            if too_many || self.begun.elapsed() + pause >= self.ready.within {
                return Err(Failure::NotReady { last, too_many });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.ready.interval);
        }
    }
}

fn new_exit(status: &InstanceStatus, known: Option<&Exit>) -> Option<Exit> {
    status.last_exit.clone().filter(|exit| Some(exit) != known)
}
