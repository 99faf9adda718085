//! Stopping and removing containers.
//!
//! Before a container is asked to stop, its restart policy is set to `no`. That is the mark by
//! which a stop of ours is known later, by whoever looks, and without it the engine would start
//! again what answers to a signal that is not the image's own.

use std::time::Duration;

use bollard::query_parameters::{
    KillContainerOptions, RemoveContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt;
use jiff::Timestamp;
use landfall_model::InstanceId;
use landfall_model::spec::StopSpec;
use tokio::time::{Instant, sleep};

use super::engine::{self, found};
use super::history::{Fact, What};
use super::inspected::Inspected;
use super::{DockerRuntime, labels};
use crate::RuntimeError;

/// What a killed container gets to be gone, on a machine that is busy.
const AFTER_KILL: Duration = Duration::from_secs(20);
/// How often a container is looked at while it ends.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The engine's answers when there is nothing to signal any more.
const NOT_RUNNING: [u16; 2] = [404, 409];

impl DockerRuntime {
    /// Stops a container of ours and returns when it is gone.
    pub(super) async fn halt(&self, id: &InstanceId, stop: &StopSpec) -> Result<(), RuntimeError> {
        let Some(container) = self.look(id).await? else {
            return Ok(());
        };
        if container.spec.restart.is_some() && !container.record.is_stopped_by_us {
            self.set_restart(&container, false).await?;
        }
        if !container.is_supervised() {
            return Ok(());
        }
        let fact = Fact {
            at: Timestamp::now(),
            what: What::AskedToStop,
        };
        self.history.add(&container.id, fact);
        self.signal(&container, &stop.signal).await?;
        if self.is_gone_within(&container, stop.grace).await? {
            return Ok(());
        }
        self.signal(&container, "SIGKILL").await?;
        match self.is_gone_within(&container, AFTER_KILL).await? {
            true => Ok(()),
            false => Err(RuntimeError::Container {
                id: id.clone(),
                message: "cannot be killed: its process may wait for a device or a file server \
                          that does not answer"
                    .to_owned(),
            }),
        }
    }

    async fn signal(&self, container: &Inspected, signal: &str) -> Result<(), RuntimeError> {
        let options = KillContainerOptions {
            signal: signal.to_owned(),
        };
        let docker = self.docker().await?;
        match docker.kill_container(&container.id, Some(options)).await {
            Err(error) if engine::status(&error).is_some_and(|s| NOT_RUNNING.contains(&s)) => {
                Ok(())
            }
            sent => {
                let name = labels::container_name(&container.spec.id);
                sent.map_err(self.engine.failed(format!("send {signal} to {name}")))
            }
        }
    }

    /// Waits until a container does not run; false when it still does.
    async fn is_gone_within(
        &self,
        container: &Inspected,
        patience: Duration,
    ) -> Result<bool, RuntimeError> {
        let deadline = Instant::now() + patience;
        loop {
            let now = self.look(&container.spec.id).await?;
            let still = now.filter(|now| now.id == container.id && now.is_supervised());
            let left = deadline.saturating_duration_since(Instant::now());
            if still.is_none() || left.is_zero() {
                return Ok(still.is_none());
            }
            let docker = self.docker().await?;
            let mut end = docker.wait_container(&container.id, None::<WaitContainerOptions>);
            // Whatever it tells, the engine is asked what is.
            let _ = tokio::time::timeout(left, end.next()).await;
            sleep(LOOK_AGAIN.min(deadline.saturating_duration_since(Instant::now()))).await;
        }
    }

    /// Removes a container that does not run, its log and its unnamed volumes.
    pub(super) async fn clear(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        if let Some(container) = self.look(id).await? {
            if container.is_supervised() {
                return Err(RuntimeError::Container {
                    id: id.clone(),
                    message: "is still running; stop it first".to_owned(),
                });
            }
            let options = RemoveContainerOptions {
                v: true,
                ..RemoveContainerOptions::default()
            };
            let docker = self.docker().await?;
            let removed = docker.remove_container(&container.id, Some(options)).await;
            let name = labels::container_name(id);
            found(removed).map_err(self.engine.failed(format!("remove container {name}")))?;
            self.history.forget(&container.id);
        }
        self.records.remove(id)?;
        self.board.forget(id);
        Ok(())
    }
}
