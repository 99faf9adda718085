//! Containers of Docker Compose projects, which are someone else's: found, and, where a deployment
//! takes their place, stopped, started again and made known on a network. None is ever removed,
//! nor changed in any other way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum as Status, ContainerUpdateBody,
    NetworkConnectRequest, NetworkDisconnectRequest, RestartPolicy as EnginePolicy,
    RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptions, ListContainersOptions, StartContainerOptions,
    WaitContainerOptions,
};
use futures_util::StreamExt;
use landfall_model::compose::{ComposeContainer, ComposeVolume, KnownAs, RestartPolicy};
use landfall_model::container::{Protocol, PublishedPort};
use landfall_model::spec::StopSpec;
use landfall_model::{InstanceId, container::NetworkRef};
use tokio::time::{Instant, sleep};

use super::engine::{self, found};
use super::{DockerRuntime, body, labels};
use crate::{Owner, RuntimeError};

const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// How long a container has to end of which nothing else is said: as the engine has it.
const GRACE: Duration = Duration::from_secs(10);
/// What a killed container gets to be gone, on a machine that is busy.
const AFTER_KILL: Duration = Duration::from_secs(20);
/// How often a container is looked at while it ends.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The engine's answers that something is as was asked already.
const AS_ASKED: [u16; 3] = [304, 404, 409];
/// The length of the beginning of an id by which a container is known on its networks.
const SHORT_ID: usize = 12;
/// The length of the names that the engine gives to volumes.
const GIVEN_NAME: usize = 64;

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

/// What the engine tells of a container of Compose's.
fn container(raw: ContainerInspectResponse) -> Option<ComposeContainer> {
    let config = raw.config.as_ref()?;
    let labels = config.labels.as_ref()?;
    let grace = config.stop_timeout.and_then(|s| u64::try_from(s).ok());
    let signal = config.stop_signal.clone().filter(|name| !name.is_empty());
    Some(ComposeContainer {
        id: raw.id.clone()?,
        name: name_of(&raw),
        service: labels.get(SERVICE)?.clone(),
        image: config.image.clone().unwrap_or_default(),
        runs: runs(&raw),
        is_one_off: labels.get(ONE_OFF).is_some_and(|is| is == "True"),
        restart: restart_policy(&raw),
        stop: StopSpec {
            signal: signal.unwrap_or_else(|| "SIGTERM".to_owned()),
            grace: grace.map_or(GRACE, Duration::from_secs),
        },
        volumes: volumes(&raw),
        ports: ports(&raw),
        networks: networks(&raw),
    })
}

fn name_of(raw: &ContainerInspectResponse) -> String {
    let name = raw.name.as_deref().unwrap_or_default();
    name.trim_start_matches('/').to_owned()
}

fn runs(raw: &ContainerInspectResponse) -> bool {
    let status = raw.state.as_ref().and_then(|state| state.status);
    matches!(
        status,
        Some(Status::RUNNING | Status::PAUSED | Status::RESTARTING | Status::STOPPING)
    )
}

fn restart_policy(raw: &ContainerInspectResponse) -> RestartPolicy {
    let host = raw.host_config.as_ref();
    let policy = host.and_then(|host| host.restart_policy.clone());
    let policy = policy.unwrap_or_default();
    let name = match policy.name {
        None | Some(RestartPolicyNameEnum::EMPTY) => RestartPolicyNameEnum::NO,
        Some(name) => name,
    };
    RestartPolicy {
        name: name.to_string(),
        retries: policy.maximum_retry_count.unwrap_or_default(),
    }
}

fn volumes(raw: &ContainerInspectResponse) -> Vec<ComposeVolume> {
    let mounts = raw.mounts.iter().flatten();
    let volumes = mounts.filter(|mount| mount.typ.as_deref() == Some("volume"));
    let volume = |mount: &bollard::models::MountPoint| {
        let name = mount.name.clone()?;
        Some(ComposeVolume {
            target: mount.destination.clone().unwrap_or_default(),
            writable: mount.rw.unwrap_or(true),
            is_anonymous: is_given(&name),
            name,
        })
    };
    let mut volumes: Vec<ComposeVolume> = volumes.filter_map(volume).collect();
    volumes.sort_by(|a, b| a.target.cmp(&b.target));
    volumes
}

/// Whether a volume's name is one that the engine gave.
fn is_given(name: &str) -> bool {
    name.len() == GIVEN_NAME && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn ports(raw: &ContainerInspectResponse) -> Vec<PublishedPort> {
    let host = raw.host_config.as_ref();
    let bindings = host.and_then(|host| host.port_bindings.as_ref());
    let mut ports = Vec::new();
    for (inside, outside) in bindings.into_iter().flatten() {
        let (port, protocol) = inside.split_once('/').unwrap_or((inside, "tcp"));
        let Ok(container_port) = port.parse() else {
            continue;
        };
        let protocol = match protocol {
            "udp" => Protocol::Udp,
            "sctp" => Protocol::Sctp,
            _ => Protocol::Tcp,
        };
        for binding in outside.iter().flatten() {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            ports.push(PublishedPort {
                host_ip: text(&binding.host_ip).parse().ok(),
                host_port: text(&binding.host_port).parse().ok(),
                container_port,
                protocol,
            });
        }
    }
    ports.sort_by_key(|port| (port.container_port, port.host_port));
    ports
}

fn networks(raw: &ContainerInspectResponse) -> Vec<KnownAs> {
    let short = raw.id.as_deref().and_then(|id| id.get(..SHORT_ID));
    let settings = raw.network_settings.as_ref();
    let joined = settings.and_then(|settings| settings.networks.as_ref());
    let known_as = |(name, endpoint): (&String, &bollard::models::EndpointSettings)| {
        let aliases = endpoint.aliases.iter().flatten();
        let mut aliases: Vec<String> = aliases
            .filter(|alias| Some(alias.as_str()) != short)
            .cloned()
            .collect();
        aliases.sort();
        aliases.dedup();
        KnownAs {
            network: name.clone(),
            aliases,
        }
    };
    let mut known: Vec<KnownAs> = joined.into_iter().flatten().map(known_as).collect();
    known.sort_by(|a, b| a.network.cmp(&b.network));
    known
}
