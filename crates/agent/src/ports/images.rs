//! Images of the Docker engine.

use std::sync::Arc;

use async_trait::async_trait;
use landfall_model::{Cause, CauseKind, Digest};
use landfall_runtime::{RuntimeError, Runtimes};

use crate::world::chain;

/// Finds images.
#[async_trait]
pub trait Images: Send + Sync {
    /// The id of the image that a name means now; `None` when there is none of that name.
    async fn find(&self, name: &str) -> Result<Option<Digest>, Cause>;

    /// Whether an image is there.
    async fn contains(&self, id: Digest) -> bool;
}

/// The images of the engine that keeps containers.
pub struct EngineImages(pub Arc<Runtimes>);

#[async_trait]
impl Images for EngineImages {
    async fn find(&self, name: &str) -> Result<Option<Digest>, Cause> {
        let Some(docker) = self.0.docker() else {
            let message = "DOCKER_HOST names no socket of this machine";
            return Err(Cause::new(CauseKind::Refused, message)
                .with_fix("unset it where the agent is started, or name one: unix:///…"));
        };
        let id = docker.image_digest(name).await.map_err(engine_cause)?;
        let digest = id.map(|id| id.parse::<Digest>());
        let digest = digest.transpose();
        digest.map_err(|error| Cause::new(CauseKind::Internal, error.to_string()))
    }

    async fn contains(&self, id: Digest) -> bool {
        self.find(&id.to_string())
            .await
            .is_ok_and(|id| id.is_some())
    }
}

fn engine_cause(error: RuntimeError) -> Cause {
    Cause::new(CauseKind::Refused, chain(&error))
}
