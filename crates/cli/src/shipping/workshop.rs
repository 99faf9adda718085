//! Builds of this machine for servers: where they are kept, so that nothing is built twice.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use landfall_agent::ports::artifacts::{Artifacts, BuildJob, Hold};
use landfall_agent::ports::{BuiltInputs, LocalArtifacts};
use landfall_build::take_sources;
use landfall_content::{ContentStore, Ingested};
use landfall_model::spec::Build;
use landfall_model::{AppName, Cause, CauseKind, Digest, ServiceName};
use landfall_store::{BuildRow, Store};
use tokio::sync::mpsc;

use crate::command_error::{CommandError, CommandResult, ErrorKind};

/// Builds of each service that are kept here: the last few are what the next is sent against.
const KEPT: usize = 5;

/// Builds of one app.
pub(super) struct Workshop {
    app: AppName,
    root: PathBuf,
    env: BTreeMap<String, String>,
    store: Store,
    content: ContentStore,
    artifacts: LocalArtifacts,
}

/// A build that is there.
pub(super) struct Built {
    /// What it was made from.
    pub inputs: BuiltInputs,
    /// What it made.
    pub artifact: Digest,
    /// Files and bytes in it; `None` where it was made before.
    size: Option<(u64, u64)>,
    _hold: Hold,
}

impl Built {
    /// For a person.
    pub(super) fn told(&self, service: &ServiceName) -> String {
        let short = self.artifact.short();
        match self.size {
            Some((files, bytes)) => {
                let bytes = crate::printer::human::bytes(bytes);
                format!("{service} {short}, {files} files, {bytes}")
            }
            None => format!("{service} {short}, built before"),
        }
    }
}

impl Workshop {
    pub(super) fn open(
        state: &Path,
        app: AppName,
        root: PathBuf,
        env: BTreeMap<String, String>,
    ) -> CommandResult<Self> {
        let dir = state.join("builds");
        let failed = |error: &(dyn std::error::Error + 'static)| {
            CommandError::from_error(ErrorKind::Unexpected, error)
                .during(format!("failed to open the builds in {}", dir.display()))
        };
        let mut private = std::fs::DirBuilder::new();
        let made = private.recursive(true).mode(0o700).create(&dir);
        made.map_err(|error| failed(&error))?;
        let store = Store::open(&dir.join("state.db")).map_err(|error| failed(&error))?;
        let content = ContentStore::open(&dir.join("content")).map_err(|error| failed(&error))?;
        let artifacts = LocalArtifacts::new(content.clone(), dir.join("inputs"));
        Ok(Self {
            app,
            root,
            env,
            store,
            content,
            artifacts,
        })
    }

    pub(super) fn app(&self) -> &AppName {
        &self.app
    }

    /// The whole source tree, in the store.
    pub(super) async fn sources(&self) -> Result<Ingested, Cause> {
        let (root, content) = (self.root.clone(), self.content.clone());
        let taken = tokio::task::spawn_blocking(move || take_sources(&root, &content)).await;
        let taken = taken.map_err(|error| internal(&error.to_string()))?;
        taken.map_err(|error| Cause::new(CauseKind::BuildFailed, error.to_string()))
    }

    pub(super) fn content(&self) -> &ContentStore {
        &self.content
    }

    pub(super) async fn inputs(&self, build: &Build) -> Result<BuiltInputs, Cause> {
        self.artifacts.inputs(&self.root, tree(build)?).await
    }

    /// Builds, unless it was built before from the same inputs.
    pub(super) async fn build(
        &self,
        service: &ServiceName,
        build: &Build,
        inputs: Option<&BuiltInputs>,
        is_forced: bool,
        lines: mpsc::Sender<(ServiceName, String)>,
    ) -> Result<Built, Cause> {
        let inputs = inputs.ok_or_else(|| internal("its inputs were not hashed"))?;
        if !is_forced && let Some(built) = self.built_before(service, inputs).await? {
            return Ok(built);
        }
        let (own, mut received) = mpsc::channel::<String>(256);
        let job = BuildJob {
            app: self.app.clone(),
            service: service.clone(),
            root: self.root.clone(),
            env: self.env.clone(),
            user: None,
        };
        let forward = async {
            while let Some(line) = received.recv().await {
                let _ = lines.send((service.clone(), line)).await;
            }
        };
        let spec = tree(build)?;
        let (output, ()) = tokio::join!(self.artifacts.build(&job, spec, own), forward);
        let output = output?;
        // What changed meanwhile may be in it or not: it is what is offered from now on.
        let after = self.artifacts.inputs(&self.root, spec).await?;
        if after == *inputs {
            self.remember(service, inputs, output.artifact).await?;
        } else {
            let changed = self.artifacts.explain(&inputs.files, &after);
            let named = changed.first().map_or("an input", String::as_str);
            let remark =
                format!("{named} changed during this build, so it will be built again next time");
            let _ = lines.send((service.clone(), remark)).await;
        }
        Ok(Built {
            inputs: after,
            artifact: output.artifact,
            size: Some((output.files, output.bytes)),
            _hold: output.hold,
        })
    }

    async fn built_before(
        &self,
        service: &ServiceName,
        inputs: &BuiltInputs,
    ) -> Result<Option<Built>, Cause> {
        let known = self.store.build(&self.app, service, &inputs.digest);
        let Some(row) = known.map_err(|error| internal(&error.to_string()))? else {
            return Ok(None);
        };
        let hold = self.artifacts.hold(row.artifact)?;
        Ok(self.artifacts.contains(row.artifact).await.then(|| Built {
            inputs: inputs.clone(),
            artifact: row.artifact,
            size: None,
            _hold: hold,
        }))
    }

    async fn remember(
        &self,
        service: &ServiceName,
        inputs: &BuiltInputs,
        artifact: Digest,
    ) -> Result<(), Cause> {
        let row = BuildRow {
            inputs: inputs.digest,
            artifact,
            files: inputs.files.clone(),
        };
        let failed = |error: landfall_store::StoreError| internal(&error.to_string());
        let written = self
            .store
            .insert_build(&self.app, service, &row, Timestamp::now());
        written.map_err(failed)?;
        let kept = self.store.newest_of_all(KEPT).map_err(failed)?;
        self.artifacts.collect_garbage(kept.clone()).await?;
        self.store.forget_builds_except(&kept).map_err(failed)
    }
}

fn tree(build: &Build) -> Result<&landfall_model::spec::BuildSpec, Cause> {
    match build {
        Build::Tree(spec) => Ok(spec),
        Build::Image(_) => Err(internal("an image is not built here")),
    }
}

fn internal(message: &str) -> Cause {
    Cause::new(CauseKind::Internal, message)
}
