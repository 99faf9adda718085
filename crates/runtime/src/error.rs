//! What can go wrong with an instance.

use std::path::PathBuf;

use landfall_model::InstanceId;

/// A failure of the runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No instance has this id.
    #[error("no instance {0}")]
    NotFound(InstanceId),
    /// The instance could not be started.
    #[error("failed to start instance {id}: {message}")]
    Start {
        /// Which.
        id: InstanceId,
        /// Why, for a person.
        message: String,
    },
    /// A file operation failed.
    #[error("failed to {operation} {path}")]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The shim did not answer as it should.
    #[error("shim of instance {id} {message}")]
    Shim {
        /// Which.
        id: InstanceId,
        /// What it did.
        message: String,
    },
    /// A container is not as it must be for what was asked.
    #[error("container of instance {id} {message}")]
    Container {
        /// Which.
        id: InstanceId,
        /// What it is, and what helps.
        message: String,
    },
    /// Someone else removed the container.
    #[error(
        "container of instance {id} was removed by someone else; starting the instance makes it \
         again, and its log is gone"
    )]
    ContainerRemoved {
        /// Which.
        id: InstanceId,
    },
    /// An instance is a container, and there is no engine to ask.
    #[error("instance {id} is a container, and no Docker engine is set up for it")]
    NoEngine {
        /// Which.
        id: InstanceId,
    },
    /// The engine does not answer.
    #[error("the Docker engine does not answer at {socket}: {fix}")]
    EngineDown {
        /// Where it was asked.
        socket: PathBuf,
        /// What helps.
        fix: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine answered, but not as was hoped.
    #[error("the Docker engine failed to {operation}: {message}")]
    Engine {
        /// What was asked, as a verb.
        operation: String,
        /// What it said.
        message: String,
    },
    /// An image is not on this host.
    #[error(
        "image {image} of instance {id} is not on this host: build it or load it, then start again"
    )]
    ImageMissing {
        /// Which instance.
        id: InstanceId,
        /// Which image.
        image: String,
    },
    /// A network that is someone else's does not exist.
    #[error(
        "network {network} does not exist: make it with `docker network create {network}`, or do \
         not declare it as external"
    )]
    NetworkMissing {
        /// Which network.
        network: String,
    },
    /// A volume that is someone else's does not exist.
    #[error(
        "volume {volume} does not exist: make it with `docker volume create {volume}`, or do not \
         declare it as external"
    )]
    VolumeMissing {
        /// Which volume.
        volume: String,
    },
    /// Something of this name exists and is someone else's.
    #[error("{kind} {name} exists and is not of this Landfall: {fix}")]
    Foreign {
        /// What it is: container, network.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What helps.
        fix: &'static str,
    },
}
