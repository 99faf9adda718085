//! Starting a container: its image, what it shares, itself.

use std::collections::BTreeSet;

use bollard::errors::Error;
use bollard::models::{ContainerUpdateBody, NetworkConnectRequest};
use bollard::query_parameters::{
    CreateContainerOptions, RemoveContainerOptions, StartContainerOptions,
};
use landfall_model::env::EnvValues;

use super::engine::{self, found, message};
use super::inspected::Inspected;
use super::{DockerRuntime, body, labels};
use crate::{InstanceSpec, RuntimeError};
use landfall_model::container::{ContainerRun, MountSource, NetworkMode};

/// The engine's answer that something is as was asked already.
const UNCHANGED: u16 = 304;

impl DockerRuntime {
    pub(super) async fn launch(
        &self,
        spec: &InstanceSpec,
        env: &EnvValues,
    ) -> Result<(), RuntimeError> {
        let failed = |message: String| RuntimeError::Start {
            id: spec.id.clone(),
            message,
        };
        let run = spec
            .run
            .container()
            .ok_or_else(|| failed("it is a process, which no engine can keep".to_owned()))?;
        check(run, env).map_err(failed)?;
        let there = self.look_or_refuse(spec).await?;
        if let Some(container) = there.as_ref().filter(|there| there.is_supervised()) {
            self.records.write(&container.spec)?;
            return self.keep_running(container).await;
        }
        let image = self.image_digest(&run.image).await?;
        let image = image.ok_or_else(|| RuntimeError::ImageMissing {
            id: spec.id.clone(),
            image: run.image.clone(),
        })?;
        let own = labels::of_owner(&self.home, spec.owner.as_ref());
        let networks = self.ensure_networks(run, &own).await?;
        self.ensure_volumes(run, &own).await?;
        // Before there is anything to be forgotten.
        self.records.write(spec)?;
        if let Some(container) = there {
            if is_made_for(&container, spec, env, &image) && is_on(&container, &networks) {
                return self.start_again(&container).await;
            }
            self.discard(&container).await?;
        }
        if let Err(error) = self.make(spec, run, env).await {
            self.forget_unmade(spec).await?;
            return Err(error);
        }
        self.run(spec).await
    }

    /// Where nothing was made, nothing can be missing later.
    async fn forget_unmade(&self, spec: &InstanceSpec) -> Result<(), RuntimeError> {
        match self.inspect(&spec.id).await {
            Ok(None) => self.records.remove(&spec.id),
            _ => Ok(()),
        }
    }

    /// What there is under the instance's name.
    ///
    /// # Errors
    /// When it is someone else's.
    async fn look_or_refuse(&self, spec: &InstanceSpec) -> Result<Option<Inspected>, RuntimeError> {
        let name = labels::container_name(&spec.id);
        let Some(raw) = self.inspect(&spec.id).await? else {
            return Ok(None);
        };
        let ours = Inspected::of(raw, &self.home).filter(|there| there.spec.id == spec.id);
        ours.map(Some).ok_or(RuntimeError::Foreign {
            kind: "container",
            name,
            fix: "rename it or remove it by hand, then start again",
        })
    }

    /// Takes back the mark of a stop that was not carried out.
    async fn keep_running(&self, container: &Inspected) -> Result<(), RuntimeError> {
        match container.record.is_stopped_by_us {
            true => self.set_restart(container, true).await,
            false => Ok(()),
        }
    }

    /// Has the engine start it by itself, or not.
    pub(super) async fn set_restart(
        &self,
        container: &Inspected,
        restarts: bool,
    ) -> Result<(), RuntimeError> {
        let update = ContainerUpdateBody {
            restart_policy: Some(body::restart_policy(restarts)),
            ..ContainerUpdateBody::default()
        };
        let docker = self.docker().await?;
        let name = labels::container_name(&container.spec.id);
        docker
            .update_container(&container.id, update)
            .await
            .map_err(self.engine.failed(format!("change container {name}")))
    }

    /// Starts a container that ran before: its log goes on.
    async fn start_again(&self, container: &Inspected) -> Result<(), RuntimeError> {
        if container.record.is_stopped_by_us {
            self.set_restart(container, true).await?;
        }
        self.run(&container.spec).await
    }

    async fn make(
        &self,
        spec: &InstanceSpec,
        run: &ContainerRun,
        env: &EnvValues,
    ) -> Result<(), RuntimeError> {
        let failed = |message| RuntimeError::Start {
            id: spec.id.clone(),
            message,
        };
        let name = labels::container_name(&spec.id);
        let labels = labels::of_container(&self.home, spec, &names_of(env))
            .map_err(|error| failed(error.to_string()))?;
        let options = CreateContainerOptions {
            name: Some(name.clone()),
            ..CreateContainerOptions::default()
        };
        let docker = self.docker().await?;
        docker
            .create_container(Some(options), body::body(spec, run, env, labels))
            .await
            .map_err(|error| self.start_failed(spec, error))?;
        let NetworkMode::Joined(networks) = &run.network else {
            return Ok(());
        };
        for network in networks.iter().skip(1) {
            let request = NetworkConnectRequest {
                container: name.clone(),
                endpoint_config: Some(body::endpoint(network)),
            };
            docker
                .connect_network(&network.name, request)
                .await
                .map_err(|error| self.start_failed(spec, error))?;
        }
        Ok(())
    }

    async fn run(&self, spec: &InstanceSpec) -> Result<(), RuntimeError> {
        let name = labels::container_name(&spec.id);
        let docker = self.docker().await?;
        match docker
            .start_container(&name, None::<StartContainerOptions>)
            .await
        {
            Err(error) if engine::status(&error) != Some(UNCHANGED) => {
                Err(self.start_failed(spec, error))
            }
            _ => Ok(()),
        }
    }

    /// Removes a container that another one takes the place of.
    async fn discard(&self, container: &Inspected) -> Result<(), RuntimeError> {
        let options = RemoveContainerOptions {
            v: true,
            ..RemoveContainerOptions::default()
        };
        let docker = self.docker().await?;
        let removed = docker.remove_container(&container.id, Some(options)).await;
        let name = labels::container_name(&container.spec.id);
        found(removed).map_err(self.engine.failed(format!("remove container {name}")))?;
        self.history.forget(&container.id);
        Ok(())
    }

    fn start_failed(&self, spec: &InstanceSpec, error: Error) -> RuntimeError {
        match engine::is_silence(&error) {
            true => self.engine.failed("start")(error),
            false => RuntimeError::Start {
                id: spec.id.clone(),
                message: message(&error),
            },
        }
    }
}

/// What no engine has to be asked about.
fn check(run: &ContainerRun, env: &EnvValues) -> Result<(), String> {
    if run.image.is_empty() {
        return Err("there is no image to run".to_owned());
    }
    let is_bad = |name: &str| name.is_empty() || name.contains(['=', '\0']);
    if let Some((name, _)) = env.iter().find(|(name, _)| is_bad(name)) {
        return Err(format!("variable {name:?} cannot be given to a container"));
    }
    for mount in &run.mounts {
        let MountSource::Bind { path, create, .. } = &mount.source else {
            continue;
        };
        if *create && !path.exists() {
            std::fs::create_dir_all(path)
                .map_err(|error| format!("failed to make {}: {error}", path.display()))?;
        }
    }
    Ok(())
}

fn names_of(env: &EnvValues) -> String {
    let names: Vec<&str> = env.keys().map(String::as_str).collect();
    names.join(",")
}

/// Whether a container is on these networks, by name and id: one that was removed and made again is
/// another one.
fn is_on(container: &Inspected, networks: &[(String, String)]) -> bool {
    let settings = container.raw.network_settings.as_ref();
    let Some(joined) = settings.and_then(|settings| settings.networks.as_ref()) else {
        return networks.is_empty();
    };
    networks.iter().all(|(name, id)| {
        let endpoint = joined.get(name);
        endpoint.is_some_and(|endpoint| endpoint.network_id.as_ref() == Some(id))
    })
}

/// Whether a container ran before and is what would be made now.
fn is_made_for(container: &Inspected, spec: &InstanceSpec, env: &EnvValues, image: &str) -> bool {
    let Some(config) = &container.raw.config else {
        return false;
    };
    let has: BTreeSet<&String> = config.env.iter().flatten().collect();
    let names = config.labels.as_ref().and_then(|l| l.get(labels::ENV));
    !container.is_new()
        && container.spec == *spec
        && container.raw.image.as_deref() == Some(image)
        && names.is_some_and(|names| *names == names_of(env))
        && body::variables(env).iter().all(|pair| has.contains(pair))
}
