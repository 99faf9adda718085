//! What a Docker Compose project runs on a host, as the engine tells: plain data.

use serde::{Deserialize, Serialize};

use crate::container::PublishedPort;
use crate::spec::StopSpec;

/// A container of a Compose project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComposeContainer {
    /// The engine's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The service of the project that it is of.
    pub service: String,
    /// The image, as it was named when the container was made.
    pub image: String,
    /// Whether it runs, or is started again by the engine.
    pub runs: bool,
    /// Whether it was made by `docker compose run`.
    pub is_one_off: bool,
    /// What the engine does when it ends by itself.
    pub restart: RestartPolicy,
    /// How it is stopped.
    pub stop: StopSpec,
    /// Volumes that are mounted in it.
    pub volumes: Vec<ComposeVolume>,
    /// Ports of the host that lead to it.
    pub ports: Vec<PublishedPort>,
    /// Networks that it is on.
    pub networks: Vec<KnownAs>,
}

/// What an engine does when a container ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    /// As at the engine: `no`, `always`, `unless-stopped`, `on-failure`.
    pub name: String,
    /// How often at most, with `on-failure`; 0 is no bound.
    pub retries: i64,
}

impl RestartPolicy {
    /// The policy of a container that stays stopped until a person starts it: the engine must not
    /// bring it back when it is restarted itself.
    pub fn at_rest(&self) -> Self {
        let name = match self.name.as_str() {
            "always" => "unless-stopped",
            "on-failure" => "no",
            other => other,
        };
        Self {
            name: name.to_owned(),
            retries: 0,
        }
    }
}

/// A volume in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComposeVolume {
    /// The engine's name of it.
    pub name: String,
    /// Absolute path in the container.
    pub target: String,
    /// Whether the container can write to it.
    pub writable: bool,
    /// Whether nobody named it: it goes with its container.
    pub is_anonymous: bool,
}

/// A network, and the names by which a container is found on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAs {
    /// The engine's name of the network.
    pub network: String,
    /// The names.
    pub aliases: Vec<String>,
}
