//! Environment variables of services: templates before a deployment, values in a release.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Digest, ServiceName};

/// A value that must not be shown: it prints as `[secret]` and is revealed only by name.
///
/// Its JSON form is the value itself, because specs travel to the agent and into its store;
/// everything that is shown to a person goes through types without this one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for handing it to the process that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The environment of a process, complete: names to values.
pub type EnvValues = BTreeMap<String, Secret>;

/// A value with references that only a deployment can resolve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Vec<Part>);

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Text as it stands.
    Text(Secret),
    /// `${service.NAME.address}`: host and port that reach the service across deployments.
    ServiceAddress(ServiceName),
    /// `${service.NAME.host}`.
    ServiceHost(ServiceName),
    /// `${service.NAME.port}`.
    ServicePort(ServiceName),
    /// `${release}`: the release's number.
    Release,
    /// `${commit}`: the full commit hash; empty without one.
    Commit,
}

/// Where a service is reached, by whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAddress {
    /// An address, or a name that resolves to one.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What the references of a [`Template`] resolve to.
pub trait Resolve {
    /// The stable address of a service, if it has one.
    fn service_address(&self, service: &ServiceName) -> Option<ServiceAddress>;
    /// The release's number.
    fn release(&self) -> u32;
    /// The commit, if known.
    fn commit(&self) -> Option<&str>;
}

/// A reference that nothing resolves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("service {0} has no address")]
pub struct Unresolved(pub ServiceName);

impl Template {
    /// A value without references.
    pub fn literal(value: impl Into<String>) -> Self {
        Self(vec![Part::Text(Secret::new(value))])
    }

    /// The services whose address this value needs.
    pub fn services(&self) -> impl Iterator<Item = &ServiceName> {
        self.0.iter().filter_map(|part| match part {
            Part::ServiceAddress(name) | Part::ServiceHost(name) | Part::ServicePort(name) => {
                Some(name)
            }
            Part::Text(_) | Part::Release | Part::Commit => None,
        })
    }

    /// The value.
    ///
    /// # Errors
    /// When a service that it refers to has no address.
    pub fn resolve(&self, with: &impl Resolve) -> Result<Secret, Unresolved> {
        let mut value = String::new();
        let address = |service: &ServiceName| {
            with.service_address(service)
                .ok_or_else(|| Unresolved(service.clone()))
        };
        for part in &self.0 {
            match part {
                Part::Text(text) => value.push_str(text.reveal()),
                Part::ServiceAddress(name) => {
                    let ServiceAddress { host, port } = address(name)?;
                    value.push_str(&format!("{host}:{port}"));
                }
                Part::ServiceHost(name) => value.push_str(&address(name)?.host),
                Part::ServicePort(name) => value.push_str(&address(name)?.port.to_string()),
                Part::Release => value.push_str(&with.release().to_string()),
                Part::Commit => value.push_str(with.commit().unwrap_or_default()),
            }
        }
        Ok(Secret(value))
    }
}

/// A digest that tells whether two environments are the same, without telling what they hold.
pub fn env_digest(env: &EnvValues) -> Digest {
    Digest::of_json(env)
}
