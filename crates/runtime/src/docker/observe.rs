//! What containers are: asked of the engine, each time.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{EventsOptions, InspectContainerOptions, ListContainersOptions};
use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use landfall_model::InstanceId;

use super::board::Sighting;
use super::engine::found;
use super::history::{self, Fact};
use super::inspected::Inspected;
use super::{DockerRuntime, labels};
use crate::{InstanceState, InstanceStatus, RuntimeError};

/// How often is looked for a change that no event tells of.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The same while the engine does not answer.
const ASK_AGAIN: Duration = Duration::from_millis(250);

impl DockerRuntime {
    /// What the engine has under an instance's name, whoever made it.
    pub(super) async fn inspect(
        &self,
        id: &InstanceId,
    ) -> Result<Option<ContainerInspectResponse>, RuntimeError> {
        let name = labels::container_name(id);
        let docker = self.docker().await?;
        let answer = docker.inspect_container(&name, None::<InspectContainerOptions>);
        found(answer.await).map_err(self.engine.failed(format!("look at container {name}")))
    }

    /// The container of an instance, if it is ours.
    pub(super) async fn look(&self, id: &InstanceId) -> Result<Option<Inspected>, RuntimeError> {
        let raw = self.inspect(id).await?;
        let ours = raw.and_then(|raw| Inspected::of(raw, &self.home));
        Ok(ours.filter(|container| container.spec.id == *id))
    }

    /// The container of an instance that must have one.
    pub(super) async fn look_at(&self, id: &InstanceId) -> Result<Inspected, RuntimeError> {
        match self.look(id).await? {
            Some(container) => Ok(container),
            None if self.records.has(id) => Err(RuntimeError::ContainerRemoved { id: id.clone() }),
            None => Err(RuntimeError::NotFound(id.clone())),
        }
    }

    pub(super) async fn observe(&self, id: &InstanceId) -> Result<InstanceStatus, RuntimeError> {
        if let Some(container) = self.look(id).await? {
            return self.sight(container).await;
        }
        let gone = "its container was removed by someone else, and its log with it";
        self.lost(id, gone)?
            .ok_or_else(|| RuntimeError::NotFound(id.clone()))
    }

    /// The status of an instance that is recorded and has no container; `None` without a record.
    fn lost(&self, id: &InstanceId, note: &str) -> Result<Option<InstanceStatus>, RuntimeError> {
        let Some(spec) = self.records.read(id)? else {
            return Ok(None);
        };
        let status = InstanceStatus {
            spec,
            state: InstanceState::Lost,
            restarts: 0,
            last_exit: None,
            health: None,
            seq: 0,
            notes: vec![note.to_owned()],
        };
        Ok(Some(self.board.number(Sighting {
            status,
            container: None,
            address: None,
            latest: Timestamp::UNIX_EPOCH,
        })))
    }

    /// Numbers what is seen, with what happened to it.
    async fn sight(&self, container: Inspected) -> Result<InstanceStatus, RuntimeError> {
        let facts = self.facts(&container).await?;
        let latest = facts
            .last()
            .map_or(container.latest(), |fact| container.latest().max(fact.at));
        Ok(self.board.number(Sighting {
            status: container.status(&facts),
            address: container.address,
            latest,
            container: Some(container.id),
        }))
    }

    /// What happened to a container, with what the engine still has of it where that is needed.
    async fn facts(&self, container: &Inspected) -> Result<Vec<Fact>, RuntimeError> {
        let ended = container.record.finished;
        let now = Timestamp::now();
        if ended.is_some_and(|end| self.history.should_ask(&container.id, end, now)) {
            self.ask_for_events(container).await?;
        }
        Ok(self.history.of(&container.id))
    }

    async fn ask_for_events(&self, container: &Inspected) -> Result<(), RuntimeError> {
        let filters = HashMap::from([
            ("type".to_owned(), vec!["container".to_owned()]),
            ("container".to_owned(), vec![container.id.clone()]),
            (
                "event".to_owned(),
                history::ACTIONS.map(str::to_owned).to_vec(),
            ),
        ]);
        let options = EventsOptions {
            since: Some(container.record.created.as_second().to_string()),
            until: Some(nanos_text(Timestamp::now())),
            filters: Some(filters),
        };
        let docker = self.docker().await?;
        let events: Vec<_> = docker
            .events(Some(options))
            .try_collect()
            .await
            .map_err(self.engine.failed("tell its events"))?;
        for fact in events.iter().filter_map(Fact::of) {
            self.history.add(&container.id, fact);
        }
        Ok(())
    }

    pub(super) async fn observe_all(&self) -> Result<Vec<InstanceStatus>, RuntimeError> {
        if !self.engine.is_known() && self.records.is_empty() {
            return Ok(Vec::new());
        }
        let mut ids: BTreeSet<InstanceId> = self.records.ids()?.into_iter().collect();
        ids.extend(self.labelled().await?);
        let all = futures_util::stream::iter(ids)
            .map(|id| async move { self.observe(&id).await })
            .buffered(8);
        let all: Vec<Result<InstanceStatus, RuntimeError>> = all.collect().await;
        let mut found = Vec::new();
        for status in all {
            match status {
                Ok(status) => found.push(status),
                // Removed in between.
                Err(RuntimeError::NotFound(_)) => {}
                Err(RuntimeError::Io { path, source, .. }) => {
                    tracing::warn!(path = %path.display(), error = %source,
                        "instance has no readable record");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The instances of which the engine has a container that is labelled as ours.
    async fn labelled(&self) -> Result<Vec<InstanceId>, RuntimeError> {
        let label = format!("{}={}", labels::HOME, self.home);
        let options = ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([("label".to_owned(), vec![label])])),
            ..ListContainersOptions::default()
        };
        let docker = self.docker().await?;
        let all = docker
            .list_containers(Some(options))
            .await
            .map_err(self.engine.failed("list containers"))?;
        let id = |labels: HashMap<String, String>| labels.get(labels::INSTANCE)?.parse().ok();
        Ok(all
            .into_iter()
            .filter_map(|container| id(container.labels?))
            .collect())
    }

    /// What is recorded, told without the engine.
    pub(crate) fn recorded(&self) -> Vec<InstanceStatus> {
        let note = "the Docker engine does not answer, so nothing is known of its container";
        let ids = self.records.ids().unwrap_or_default();
        // What cannot be read is told of when the engine answers.
        ids.iter()
            .filter_map(|id| self.lost(id, note).ok().flatten())
            .collect()
    }

    pub(super) async fn wait_for_change(
        &self,
        id: &InstanceId,
        seen: u64,
    ) -> Result<InstanceStatus, RuntimeError> {
        let mut bell = self.bell.subscribe();
        loop {
            bell.mark_unchanged();
            let pause = match self.observe(id).await {
                Ok(status) if status.seq > seen => return Ok(status),
                Ok(_) => LOOK_AGAIN,
                // It comes back, and its containers with it.
                Err(RuntimeError::EngineDown { .. }) => ASK_AGAIN,
                Err(error) => return Err(error),
            };
            // Without an event it is looked at all the same.
            let _ = tokio::time::timeout(pause, bell.changed()).await;
        }
    }

    pub(super) async fn find_address(
        &self,
        id: &InstanceId,
    ) -> Result<Option<SocketAddr>, RuntimeError> {
        match self.look_at(id).await {
            Ok(container) => Ok(container.address),
            Err(RuntimeError::ContainerRemoved { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A time as the engine takes it.
pub(super) fn nanos_text(at: Timestamp) -> String {
    format!("{}.{:09}", at.as_second(), at.subsec_nanosecond())
}
