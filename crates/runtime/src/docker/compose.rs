//! Containers of Docker Compose projects, which are someone else's: found, and, where a deployment
//! takes their place, stopped, started again and made known on a network. None is ever removed,
//! nor changed in any other way.

mod read;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bollard::models::{
    ContainerInspectResponse, ContainerUpdateBody, NetworkConnectRequest, NetworkDisconnectRequest,
    RestartPolicy as EnginePolicy,
};
use bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptions, ListContainersOptions, StartContainerOptions,
    WaitContainerOptions,
};
use futures_util::StreamExt;
use landfall_model::InstanceId;
use landfall_model::compose::{ComposeContainer, RestartPolicy};
use landfall_model::container::NetworkRef;
use landfall_model::spec::StopSpec;
use tokio::time::{Instant, sleep};

use super::engine::{self, found};
use super::{DockerRuntime, body, labels};
use crate::{Owner, RuntimeError};
use read::{container, name_of, networks, restart_policy, runs};

const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// What a killed container gets to be gone, on a machine that is busy.
const AFTER_KILL: Duration = Duration::from_secs(20);
/// How often a container is looked at while it ends.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The engine's answers that something is as was asked already.
const AS_ASKED: [u16; 3] = [304, 404, 409];

/// The engine's name of the container of an instance.
pub fn container_name(id: &InstanceId) -> String {
    labels::container_name(id)
}

impl DockerRuntime {
    /// The Compose projects that have a container which runs.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn compose_projects(&self) -> Result<BTreeSet<String>, RuntimeError> {
        let labels = self.labels_of_containers(PROJECT.to_owned(), false).await?;
        let project = |(_, mut labels): (_, HashMap<String, String>)| labels.remove(PROJECT);
        Ok(labels.into_iter().filter_map(project).collect())
    }

    /// The containers of a Compose project, by their names.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn compose_containers(
        &self,
        project: &str,
    ) -> Result<Vec<ComposeContainer>, RuntimeError> {
        let label = format!("{PROJECT}={project}");
        let mut containers = Vec::new();
        for (id, _) in self.labels_of_containers(label, true).await? {
            let raw = self.inspect_any(&id).await?;
            containers.extend(raw.and_then(container));
        }
        containers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(containers)
    }

    /// Whether there is a volume of this name.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn has_volume(&self, name: &str) -> Result<bool, RuntimeError> {
        let answer = self.docker().await?.inspect_volume(name).await;
        let volume = found(answer).map_err(self.engine.failed(format!("look at volume {name}")))?;
        Ok(volume.is_some())
    }

    /// Stops a container that is someone else's, for good: the engine does not start it again when
    /// it is restarted. One that is gone or stopped is left as it is.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub async fn stop_foreign(&self, id: &str, stop: &StopSpec) -> Result<(), RuntimeError> {
        let Some(raw) = self.inspect_any(id).await? else {
            return Ok(());
        };
        let policy = restart_policy(&raw);
        if policy != policy.at_rest() {
            self.set_foreign_restart(id, &policy.at_rest()).await?;
        }
        for (signal, patience) in [(stop.signal.as_str(), stop.grace), ("SIGKILL", AFTER_KILL)] {
            if !self.runs(id).await? {
                return Ok(());
            }
            self.signal_foreign(id, signal).await?;
            if self.ends_within(id, patience).await? {
                return Ok(());
            }
        }
        Err(RuntimeError::Engine {
            operation: format!("stop container {}", name_of(&raw)),
            message: "it cannot be killed: its process may wait for a device or a file server \
                      that does not answer"
                .to_owned(),
        })
    }

    /// Starts a container again that [`DockerRuntime::stop_foreign`] stopped, with the policy that
    /// it had. One that runs keeps running.
    ///
    /// # Errors
    /// When it is gone or cannot be started.
    pub async fn start_foreign(
        &self,
        id: &str,
        policy: &RestartPolicy,
    ) -> Result<(), RuntimeError> {
        let raw = self.inspect_any(id).await?;
        let raw = raw.ok_or_else(|| RuntimeError::Engine {
            operation: "start a container of a Compose project again".to_owned(),
            message: format!("{id} was removed by someone else"),
        })?;
        if restart_policy(&raw) != *policy {
            self.set_foreign_restart(id, policy).await?;
        }
        let docker = self.docker().await?;
        let started = docker
            .start_container(id, None::<StartContainerOptions>)
            .await;
        match started {
            Err(error) if engine::status(&error) == Some(304) => Ok(()),
            started => started.map_err(
                self.engine
                    .failed(format!("start container {}", name_of(&raw))),
            ),
        }
    }

    /// Makes sure that a container is on a network, which is made where it is missing and not
    /// external; false where there is no such network or no such container.
    ///
    /// # Errors
    /// When the network is someone else's and not external, or the engine refuses.
    pub async fn join_network(
        &self,
        container: &str,
        network: &NetworkRef,
        owner: Option<&Owner>,
    ) -> Result<bool, RuntimeError> {
        let Some(raw) = self.inspect_any(container).await? else {
            return Ok(false);
        };
        if networks(&raw)
            .iter()
            .any(|known| known.network == network.name)
        {
            return Ok(true);
        }
        if !network.external {
            let own: BTreeMap<_, _> = labels::of_owner(&self.home, owner);
            self.ensure_network(&network.name, &network.options, &own)
                .await?;
        }
        let request = NetworkConnectRequest {
            container: container.to_owned(),
            endpoint_config: Some(body::endpoint(network)),
        };
        let docker = self.docker().await?;
        let joined = docker.connect_network(&network.name, request).await;
        let joined = found(joined).map_err(self.engine.failed(format!(
            "connect container {} to network {}",
            name_of(&raw),
            network.name
        )))?;
        Ok(joined.is_some())
    }

    /// Makes sure that a container is not on a network.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn leave_network(&self, container: &str, network: &str) -> Result<(), RuntimeError> {
        let Some(raw) = self.inspect_any(container).await? else {
            return Ok(());
        };
        if !networks(&raw).iter().any(|known| known.network == network) {
            return Ok(());
        }
        let request = NetworkDisconnectRequest {
            container: container.to_owned(),
            force: Some(false),
        };
        let docker = self.docker().await?;
        let left = docker.disconnect_network(network, request).await;
        let operation = format!("disconnect container {} from {network}", name_of(&raw));
        found(left).map(drop).map_err(self.engine.failed(operation))
    }

    async fn labels_of_containers(
        &self,
        label: String,
        all: bool,
    ) -> Result<Vec<(String, HashMap<String, String>)>, RuntimeError> {
        let options = ListContainersOptions {
            all,
            filters: Some(HashMap::from([("label".to_owned(), vec![label])])),
            ..ListContainersOptions::default()
        };
        let docker = self.docker().await?;
        let listed = docker.list_containers(Some(options)).await;
        let listed = listed.map_err(self.engine.failed("list containers"))?;
        let known = listed
            .into_iter()
            .filter_map(|container| Some((container.id?, container.labels?)));
        Ok(known.collect())
    }

    async fn inspect_any(
        &self,
        container: &str,
    ) -> Result<Option<ContainerInspectResponse>, RuntimeError> {
        let docker = self.docker().await?;
        let answer = docker.inspect_container(container, None::<InspectContainerOptions>);
        found(answer.await).map_err(self.engine.failed(format!("look at container {container}")))
    }

    async fn runs(&self, id: &str) -> Result<bool, RuntimeError> {
        Ok(self.inspect_any(id).await?.is_some_and(|raw| runs(&raw)))
    }

    async fn set_foreign_restart(
        &self,
        id: &str,
        policy: &RestartPolicy,
    ) -> Result<(), RuntimeError> {
        let update = ContainerUpdateBody {
            restart_policy: Some(EnginePolicy {
                name: policy.name.parse().ok(),
                maximum_retry_count: Some(policy.retries),
            }),
            ..ContainerUpdateBody::default()
        };
        let docker = self.docker().await?;
        docker
            .update_container(id, update)
            .await
            .map_err(self.engine.failed(format!("change container {id}")))
    }

    async fn signal_foreign(&self, id: &str, signal: &str) -> Result<(), RuntimeError> {
        let options = KillContainerOptions {
            signal: signal.to_owned(),
        };
        let docker = self.docker().await?;
        match docker.kill_container(id, Some(options)).await {
            Err(error) if engine::status(&error).is_some_and(|s| AS_ASKED.contains(&s)) => Ok(()),
            sent => sent.map_err(
                self.engine
                    .failed(format!("send {signal} to container {id}")),
            ),
        }
    }

    async fn ends_within(&self, id: &str, patience: Duration) -> Result<bool, RuntimeError> {
        let deadline = Instant::now() + patience;
        while self.runs(id).await? {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let docker = self.docker().await?;
            let mut end = docker.wait_container(id, None::<WaitContainerOptions>);
            // Whatever it tells, the engine is asked what is.
            let _ = tokio::time::timeout(left, end.next()).await;
            sleep(LOOK_AGAIN.min(left)).await;
        }
        Ok(true)
    }
}
