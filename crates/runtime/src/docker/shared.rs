//! What the containers of an environment share: networks and volumes.
//!
//! Both are made when they are missing and labelled as ours. A network of the name that is someone
//! else's is refused, because it may be more than it seems; a volume is used whoever made it,
//! because what counts is what is in it. A volume is never removed.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    Ipam, IpamConfig, NetworkCreateRequest, NetworkInspect, VolumeCreateRequest,
};
use bollard::query_parameters::ListNetworksOptions;
use landfall_model::container::{
    ContainerRun, MountSource, NetworkMode, NetworkOptions, NetworkRef,
};
use landfall_model::{AppName, EnvironmentName};

use super::engine::found;
use super::{DockerRuntime, labels};
use crate::RuntimeError;

impl DockerRuntime {
    /// Makes sure of a network with this name. `more` are labels besides Landfall's own.
    ///
    /// # Errors
    /// When there is one of this name that is not of this Landfall, or the engine refuses.
    pub async fn ensure_network(
        &self,
        name: &str,
        options: &NetworkOptions,
        more: &BTreeMap<String, String>,
    ) -> Result<(), RuntimeError> {
        // The engine would make two of one name when asked twice at once.
        let _one = self.making_network.lock().await;
        if let Some(network) = self.network(name).await? {
            return match labels::is_ours(network.labels.as_ref(), &self.home) {
                true => Ok(()),
                false => Err(RuntimeError::Foreign {
                    kind: "network",
                    name: name.to_owned(),
                    fix: "declare it as external, or remove it with `docker network rm`",
                }),
            };
        }
        let mut all = options.labels.clone();
        all.extend(more.clone());
        all.extend(labels::of_owner(&self.home, None));
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some(options.driver.clone().unwrap_or("bridge".to_owned())),
            options: Some(options.driver_opts.clone().into_iter().collect()),
            internal: Some(options.internal),
            enable_ipv6: Some(options.ipv6),
            ipam: Some(ipam(options)),
            labels: Some(all.into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        let made = self.docker().await?.create_network(request).await;
        made.map(drop)
            .map_err(self.engine.failed(format!("make network {name}")))
    }

    /// Removes a network of ours. One that is missing or someone else's is left alone.
    ///
    /// # Errors
    /// When a container is still on it.
    pub async fn remove_network(&self, name: &str) -> Result<(), RuntimeError> {
        let network = self.network(name).await?;
        if !network.is_some_and(|network| labels::is_ours(network.labels.as_ref(), &self.home)) {
            return Ok(());
        }
        let removed = self.docker().await?.remove_network(name).await;
        found(removed)
            .map(drop)
            .map_err(self.engine.failed(format!("remove network {name}")))
    }

    /// Removes every network that was made for an environment.
    ///
    /// # Errors
    /// When a container is still on one.
    pub(super) async fn remove_networks_of(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
    ) -> Result<(), RuntimeError> {
        let filters = HashMap::from([(
            "label".to_owned(),
            labels::of_environment(&self.home, app, environment),
        )]);
        let options = ListNetworksOptions {
            filters: Some(filters),
        };
        let docker = self.docker().await?;
        let networks = docker.list_networks(Some(options)).await;
        let networks = networks.map_err(self.engine.failed("list networks"))?;
        for name in networks.into_iter().filter_map(|network| network.name) {
            self.remove_network(&name).await?;
        }
        Ok(())
    }

    async fn network(&self, name: &str) -> Result<Option<NetworkInspect>, RuntimeError> {
        let docker = self.docker().await?;
        let answer = docker.inspect_network(name, None).await;
        let network =
            found(answer).map_err(self.engine.failed(format!("look at network {name}")))?;
        // The engine takes the beginning of an id for a name.
        Ok(network.filter(|network| network.name.as_deref() == Some(name)))
    }

    /// Makes sure of all networks that a container joins; their names and ids.
    pub(super) async fn ensure_networks(
        &self,
        run: &ContainerRun,
        own: &BTreeMap<String, String>,
    ) -> Result<Vec<(String, String)>, RuntimeError> {
        let NetworkMode::Joined(networks) = &run.network else {
            return Ok(Vec::new());
        };
        let mut joined = Vec::new();
        for NetworkRef {
            name,
            external,
            options,
            ..
        } in networks
        {
            if !external {
                self.ensure_network(name, options, own).await?;
            }
            let network = self.network(name).await?;
            let id = network.and_then(|network| network.id);
            let id = id.ok_or_else(|| RuntimeError::NetworkMissing {
                network: name.clone(),
            })?;
            joined.push((name.clone(), id));
        }
        Ok(joined)
    }

    /// Makes sure of all named volumes of a container.
    pub(super) async fn ensure_volumes(
        &self,
        run: &ContainerRun,
        own: &BTreeMap<String, String>,
    ) -> Result<(), RuntimeError> {
        let docker = self.docker().await?;
        for mount in &run.mounts {
            let MountSource::Volume {
                name,
                external,
                driver,
                driver_opts,
                ..
            } = &mount.source
            else {
                continue;
            };
            let there = found(docker.inspect_volume(name).await)
                .map_err(self.engine.failed(format!("look at volume {name}")))?;
            if there.is_some() {
                continue;
            }
            if *external {
                return Err(RuntimeError::VolumeMissing {
                    volume: name.clone(),
                });
            }
            let request = VolumeCreateRequest {
                name: Some(name.clone()),
                driver: driver.clone(),
                driver_opts: Some(driver_opts.clone().into_iter().collect()),
                labels: Some(own.clone().into_iter().collect()),
                cluster_volume_spec: None,
            };
            docker
                .create_volume(request)
                .await
                .map_err(self.engine.failed(format!("make volume {name}")))?;
        }
        Ok(())
    }
}

fn ipam(options: &NetworkOptions) -> Ipam {
    let pools = options.pools.iter().map(|pool| IpamConfig {
        subnet: pool.subnet.clone(),
        ip_range: pool.range.clone(),
        gateway: pool.gateway.clone(),
        auxiliary_addresses: match pool.taken.is_empty() {
            true => None,
            false => Some(pool.taken.clone().into_iter().collect()),
        },
    });
    Ipam {
        driver: options.ipam_driver.clone(),
        config: Some(pools.collect()),
        options: None,
    }
}
