//! Building an image at an engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landfall_model::Digest;
use landfall_model::env::{EnvValues, Secret};
use landfall_model::spec::ImageBuildSpec;
use tokio::sync::mpsc;

use super::error::ImageBuildError;
use super::progress::BuildProgress;
use crate::inputs::InputHash;

/// Builds images at the engine behind a socket.
#[derive(Debug)]
pub struct ImageBuilder {
    socket: PathBuf,
}

/// What [`ImageBuilder::build`] needs.
#[derive(Debug)]
pub struct ImageBuildRequest<'a> {
    /// The source tree: the directory of `landfall.toml`.
    pub root: &'a Path,
    /// What to build.
    pub spec: &'a ImageBuildSpec,
    /// The environment of the person who deploys, from which secrets come.
    pub env: &'a EnvValues,
    /// For base images of registries that ask who one is.
    pub credentials: &'a RegistryCredentials,
    /// The name of the image, as `landfall/shop/web:1f2e…`. Without one the engine's `image prune`
    /// would take it.
    pub tag: &'a str,
    /// Gets every piece of news. When it is full the news wait; when it is closed, they are dropped.
    pub progress: mpsc::Sender<BuildProgress>,
}

/// Who one is at registries, by their host: `registry.example:5000`; that of Docker Hub is
/// `registry-1.docker.io`.
pub type RegistryCredentials = BTreeMap<String, RegistryLogin>;

/// Who one is at a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryLogin {
    /// The name.
    pub user: String,
    /// The password, or a token.
    pub password: Secret,
}

impl ImageBuilder {
    /// Builds at the engine that listens at `socket`. It is asked nothing yet.
    pub fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// All that the image depends on, base images as the engine has them now included. `cache` is
    /// as with [`crate::hash_inputs`], and [`crate::explain`] tells two of the results apart.
    ///
    /// # Errors
    /// When the source tree cannot be read, or the engine does not answer.
    pub async fn inputs(
        &self,
        root: &Path,
        spec: &ImageBuildSpec,
        cache: Option<&Path>,
    ) -> Result<InputHash, ImageBuildError> {
        todo!()
    }

    /// Builds an image; its id. Dropping the future ends the build at the engine.
    ///
    /// # Errors
    /// When something that it needs is not there, a step fails, or it takes too long.
    pub async fn build(&self, request: ImageBuildRequest<'_>) -> Result<Digest, ImageBuildError> {
        todo!()
    }

    /// The id of the image with this tag, when the engine has one.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn find(&self, tag: &str) -> Result<Option<Digest>, ImageBuildError> {
        todo!()
    }
}
