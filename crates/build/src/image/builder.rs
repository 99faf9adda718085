//! Building an image at an engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard::ClientVersion;
use landfall_model::Digest;
use landfall_model::digest::InvalidDigest;
use landfall_model::env::{EnvValues, Secret};
use landfall_model::spec::ImageBuildSpec;
use tokio::sync::mpsc;

use super::engine::Engine;
use super::error::ImageBuildError;
use super::progress::BuildProgress;
use super::session::{Answers, Directory, Files, Logins, SecretValues, Session};
use super::solve::{Control, DOCKERFILE};
use super::sources::Sources;
use super::trace::Trace;
use super::{bases, inputs, secrets, solve};
use crate::inputs::InputHash;

/// The API of Docker 23, whose BuildKit knows what that of 20.10 does not.
const KNOWS_MORE: ClientVersion = ClientVersion {
    major_version: 1,
    minor_version: 42,
};
/// The name by which the engine asks for the Dockerfile.
const DOCKERFILE_DIRECTORY: &str = "dockerfile";
/// Where it looks for what to ignore before it looks in the context.
const DOCKERFILE_IGNORE: &str = "Dockerfile.dockerignore";

/// Builds images at the engine behind a socket.
#[derive(Debug)]
pub struct ImageBuilder {
    engine: Engine,
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
    /// What steps find as the name of their host.
    pub host_name: &'a str,
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
        Self {
            engine: Engine::new(socket),
        }
    }

    /// All that the image depends on, base images as they are now included. `cache` is as with
    /// [`crate::hash_inputs`], and [`crate::explain`] tells two of the results apart.
    ///
    /// # Errors
    /// When the source tree cannot be read, or the engine does not answer.
    pub async fn inputs(
        &self,
        root: &Path,
        spec: &ImageBuildSpec,
        credentials: &RegistryCredentials,
        cache: Option<&Path>,
    ) -> Result<InputHash, ImageBuildError> {
        let (sources, names) = {
            let (root, spec) = (root.to_owned(), spec.clone());
            blocking(move || {
                let sources = Sources::read(&root, &spec)?;
                let needs = sources.needs(&spec, &BTreeSet::new())?;
                Ok((sources, needs.images))
            })
            .await?
        };
        let bases = bases::resolve(&self.engine, &names, spec.pull, credentials).await?;
        let (root, spec, cache) = (root.to_owned(), spec.clone(), cache.map(Path::to_owned));
        blocking(move || inputs::hash(&root, &spec, &sources, &bases, cache.as_deref())).await
    }

    /// Builds an image; its id. Dropping the future ends the build at the engine.
    ///
    /// # Errors
    /// When something that it needs is not there, a step fails, or it takes too long.
    pub async fn build(&self, request: ImageBuildRequest<'_>) -> Result<Digest, ImageBuildError> {
        self.refuse_what_would_be_left_out(request.spec).await?;
        let mut trace = Trace::default();
        let after = request.spec.timeout;
        match tokio::time::timeout(after, self.solve(&request, &mut trace)).await {
            Ok(built) => built?,
            Err(_) => {
                let tail = trace.last_lines();
                return Err(ImageBuildError::TimedOut { after, tail });
            }
        }
        let built = self.find(request.tag).await?;
        built.ok_or_else(|| ImageBuildError::Engine {
            operation: "keep the image",
            message: format!("{} was built, and is gone", request.tag),
        })
    }

    /// The id of the image with this tag, when the engine has one.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn find(&self, tag: &str) -> Result<Option<Digest>, ImageBuildError> {
        let Some(id) = bases::find(&self.engine, tag)
            .await?
            .and_then(|image| image.id)
        else {
            return Ok(None);
        };
        let read = id.parse().map(Some);
        read.map_err(|error: InvalidDigest| ImageBuildError::Engine {
            operation: "name an image by its id",
            message: error.to_string(),
        })
    }

    async fn solve(
        &self,
        request: &ImageBuildRequest<'_>,
        trace: &mut Trace,
    ) -> Result<(), ImageBuildError> {
        let answers = {
            let (root, spec) = (request.root.to_owned(), request.spec.clone());
            let (env, credentials) = (request.env.clone(), request.credentials.clone());
            blocking(move || answers(&root, &spec, &env, credentials)).await?
        };
        let session = Session::open(&self.engine, unique()?, answers).await?;
        let control = Control::open(&self.engine).await?;
        let asked = solve::request(request, unique()?, &session.id);
        control.solve(asked, trace, &request.progress).await
    }

    /// An old engine leaves out what it does not know without a word.
    async fn refuse_what_would_be_left_out(
        &self,
        spec: &ImageBuildSpec,
    ) -> Result<(), ImageBuildError> {
        let api = self.engine.docker().await?.client_version();
        if api >= KNOWS_MORE {
            return Ok(());
        }
        let asked = [
            ("additional_contexts", !spec.additional_contexts.is_empty()),
            ("shm_size", spec.shm_size.is_some()),
            ("ulimits", !spec.ulimits.is_empty()),
        ];
        match asked.into_iter().find(|(_, is_asked)| *is_asked) {
            None => Ok(()),
            Some((what, _)) => Err(ImageBuildError::TooOld {
                what,
                api: api.to_string(),
            }),
        }
    }
}

/// All that the engine may ask for while it builds.
fn answers(
    root: &Path,
    spec: &ImageBuildSpec,
    env: &EnvValues,
    credentials: RegistryCredentials,
) -> Result<Answers, ImageBuildError> {
    let sources = Sources::read(root, spec)?;
    // Says it better than BuildKit, which does not tell what stages there are.
    sources.needs(spec, &BTreeSet::new())?;
    let dockerfile = BTreeMap::from([
        (DOCKERFILE, sources.dockerfile),
        // It asks for this one first. What is to be ignored is ignored by us already.
        (DOCKERFILE_IGNORE, b"# Nothing.\n".to_vec()),
    ]);
    let contexts = sources.contexts.into_iter().map(|(name, place)| {
        let directory = Directory::Context(place.directory);
        (name, Arc::new(directory))
    });
    let mut directories: BTreeMap<String, Arc<Directory>> = contexts.collect();
    let dockerfile = Arc::new(Directory::Virtual(dockerfile));
    directories.insert(DOCKERFILE_DIRECTORY.to_owned(), dockerfile);
    Ok(Answers {
        files: Files(directories),
        secrets: SecretValues(secrets::read(root, &spec.secrets, env)?),
        logins: Logins(credentials),
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageBuildError> + Send + 'static,
) -> Result<T, ImageBuildError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// A name that no other build has.
fn unique() -> Result<String, ImageBuildError> {
    let mut bytes = [0_u8; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    match filled {
        Ok(_) => Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        Err(error) => Err(ImageBuildError::Engine {
            operation: "tell builds apart",
            message: std::io::Error::from(error).to_string(),
        }),
    }
}
