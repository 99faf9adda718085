//! Images of the Docker engine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use landfall_build::image::{
    BuildProgress, ImageBuildError, ImageBuildRequest, ImageBuilder, RegistryCredentials,
    RegistryLogin, Step,
};
use landfall_model::env::{EnvValues, Secret};
use landfall_model::spec::ImageBuildSpec;
use landfall_model::{Cause, CauseKind, Digest};
use landfall_runtime::docker::{BUILD_HOST, DockerRuntime, StepLimits};
use landfall_runtime::{RuntimeError, Runtimes};
use tokio::sync::mpsc;

use super::artifacts::{BuildJob, BuiltInputs};
use crate::registries::{logins, registry_of};
use crate::world::{chain, disk_full};

/// What the names of all images begin with that Landfall builds.
const BUILT: &str = "landfall/";
/// Digits of the inputs' digest in an image's name.
const NAME_DIGITS: usize = 16;
/// News of a build that wait to be taken.
const NEWS: usize = 256;

/// Finds, builds, pulls and removes images.
#[async_trait]
pub trait Images: Send + Sync {
    /// The id of the image that a name means now; `None` when there is none of that name.
    async fn find(&self, name: &str) -> Result<Option<Digest>, Cause>;

    /// Whether an image is there.
    async fn contains(&self, id: Digest) -> bool;

    /// Hashes all that an image is built from, the base images as they are now included.
    async fn inputs(&self, root: &Path, spec: &ImageBuildSpec) -> Result<BuiltInputs, Cause>;

    /// Builds an image from these inputs; its id. Dropping the future ends the build.
    async fn build(
        &self,
        job: &BuildJob,
        spec: &ImageBuildSpec,
        inputs: &Digest,
        lines: mpsc::Sender<String>,
    ) -> Result<Digest, Cause>;

    /// Pulls an image from its registry; its id.
    async fn pull(&self, name: &str, lines: mpsc::Sender<String>) -> Result<Digest, Cause>;

    /// Removes what was built here and is not kept. What runs stays all the same.
    async fn remove_except(&self, keep: &BTreeSet<Digest>) -> Result<(), Cause>;
}

/// The images of the engine that keeps containers.
pub struct EngineImages {
    runtimes: Arc<Runtimes>,
    builder: Option<ImageBuilder>,
    cache: PathBuf,
}

impl EngineImages {
    /// Images of the engine of `runtimes`; hashes of unchanged inputs are remembered in the
    /// directory `cache`.
    pub fn new(runtimes: Arc<Runtimes>, cache: PathBuf) -> Self {
        let builder = runtimes
            .docker()
            .map(|docker| ImageBuilder::new(docker.socket()));
        Self {
            runtimes,
            builder,
            cache,
        }
    }

    fn docker(&self) -> Result<&DockerRuntime, Cause> {
        self.runtimes.docker().ok_or_else(no_engine)
    }

    fn builder(&self) -> Result<&ImageBuilder, Cause> {
        self.builder.as_ref().ok_or_else(no_engine)
    }

    fn cache_file(&self, root: &Path, spec: &ImageBuildSpec) -> Option<PathBuf> {
        std::fs::create_dir_all(&self.cache).ok()?;
        let name = Digest::of_json(&(root.to_string_lossy(), spec)).hex();
        Some(self.cache.join(name))
    }

    /// The end of the names of what is built from here: others may build the same on this engine.
    fn own_suffix(&self) -> Result<String, Cause> {
        Ok(format!("-{}", self.docker()?.home().to_ascii_lowercase()))
    }
}

#[async_trait]
impl Images for EngineImages {
    async fn find(&self, name: &str) -> Result<Option<Digest>, Cause> {
        let id = self.docker()?.image_digest(name).await;
        let id = id.map_err(engine_cause)?;
        let digest = id.map(|id| id.parse::<Digest>());
        let digest = digest.transpose();
        digest.map_err(|error| Cause::new(CauseKind::Internal, error.to_string()))
    }

    async fn contains(&self, id: Digest) -> bool {
        self.find(&id.to_string())
            .await
            .is_ok_and(|id| id.is_some())
    }

    async fn inputs(&self, root: &Path, spec: &ImageBuildSpec) -> Result<BuiltInputs, Cause> {
        let (cache, logins) = (self.cache_file(root, spec), credentials());
        let hash = self
            .builder()?
            .inputs(root, spec, &logins, cache.as_deref());
        hash.await.map(BuiltInputs::from).map_err(build_cause)
    }

    async fn build(
        &self,
        job: &BuildJob,
        spec: &ImageBuildSpec,
        inputs: &Digest,
        lines: mpsc::Sender<String>,
    ) -> Result<Digest, Cause> {
        let env: EnvValues = job
            .env
            .iter()
            .map(|(name, value)| (name.clone(), Secret::new(value)))
            .collect();
        let name = format!("{BUILT}{}/{}", job.app, job.service).to_ascii_lowercase();
        let hex = inputs.hex();
        let tag = format!("{name}:{}{}", &hex[..NAME_DIGITS], self.own_suffix()?);
        let (progress, mut news) = mpsc::channel(NEWS);
        let logins = credentials();
        let docker = self.docker()?;
        let built = self.builder()?.build(ImageBuildRequest {
            root: &job.root,
            spec,
            env: &env,
            credentials: &logins,
            tag: &tag,
            host_name: BUILD_HOST,
            progress,
        });
        let tell = async {
            while let Some(news) = news.recv().await {
                let _ = lines.send(line(news)).await;
            }
        };
        let limits = StepLimits::of_this_machine();
        let (built, ()) = tokio::select! {
            ended = async { tokio::join!(built, tell) } => ended,
            unlimited = docker.limit_builds(limits) => match unlimited {
                Ok(never) => match never {},
                Err(error) => return Err(engine_cause(error)),
            },
        };
        built.map_err(build_cause)
    }

    async fn pull(&self, name: &str, lines: mpsc::Sender<String>) -> Result<Digest, Cause> {
        let docker = self.docker()?;
        let logins = logins();
        let user = logins.get(registry_of(name));
        let pulled = docker.pull_image(name, user, &lines).await;
        pulled.map_err(|error| {
            let registry = registry_of(name);
            let fix = match user {
                Some(user) => format!(
                    "see whether {registry} has it, and gives it to {}; or load it by hand",
                    user.name
                ),
                None => format!(
                    "see whether {registry} has it; if it asks who one is, `docker login \
                     {registry}`; or load it by hand"
                ),
            };
            engine_cause(error).with_fix(fix)
        })?;
        self.find(name).await?.ok_or_else(|| {
            Cause::new(
                CauseKind::Internal,
                format!("{name} was pulled, and is gone"),
            )
        })
    }

    async fn remove_except(&self, keep: &BTreeSet<Digest>) -> Result<(), Cause> {
        let Some(docker) = self.runtimes.docker() else {
            return Ok(());
        };
        let suffix = self.own_suffix()?;
        let named = docker.images_named(BUILT).await.map_err(engine_cause)?;
        for (name, id) in named {
            let is_kept = id.parse().is_ok_and(|id: Digest| keep.contains(&id));
            if name.ends_with(&suffix) && !is_kept {
                docker.unname_image(&name).await.map_err(engine_cause)?;
            }
        }
        Ok(())
    }
}

/// A piece of news as a line, in the form of BuildKit's own plain output.
fn line(news: BuildProgress) -> String {
    let of = |step: &Step| format!("#{} {}", step.number, step.name);
    match news {
        BuildProgress::StepStarted(step) => of(&step),
        BuildProgress::StepCached(step) => format!("{} CACHED", of(&step)),
        BuildProgress::StepDone(step) => format!("#{} DONE", step.number),
        BuildProgress::StepFailed(step) => format!("#{} FAILED", step.number),
        BuildProgress::Line(step, line) => format!("#{} {}", step.number, line.line),
    }
}

fn credentials() -> RegistryCredentials {
    let login = |(host, user): (String, landfall_runtime::docker::RegistryUser)| {
        let host = match host.as_str() {
            "docker.io" => "registry-1.docker.io".to_owned(),
            _ => host,
        };
        let login = RegistryLogin {
            user: user.name,
            password: user.password,
        };
        (host, login)
    };
    logins().into_iter().map(login).collect()
}

pub(super) fn no_engine() -> Cause {
    let message = "DOCKER_HOST names no socket of this machine";
    Cause::new(CauseKind::Refused, message)
        .with_fix("unset it where the agent is started, or name one: unix:///…")
}

fn engine_cause(error: RuntimeError) -> Cause {
    Cause::new(CauseKind::Refused, chain(&error))
}

fn build_cause(error: ImageBuildError) -> Cause {
    let text = chain(&error);
    if text.contains("no space left on device") {
        return disk_full(text);
    }
    let kind = match &error {
        ImageBuildError::TimedOut { .. } => CauseKind::TimedOut,
        _ => CauseKind::BuildFailed,
    };
    let tail = error.tail();
    let finding = crate::diagnose::find(tail);
    let mut cause = Cause::new(kind, text).with_evidence(tail.to_vec());
    cause.fix = finding.map(|finding| finding.fix);
    cause
}
