//! Artifacts of this host: builds run here, trees are in the content store here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use landfall_build::{BeforeExec, BuildError, BuildRequest, InputHash, OutputLine};
use landfall_content::{ContentError, ContentStore};
use landfall_model::env::{EnvValues, Secret};
use landfall_model::spec::BuildSpec;
use landfall_model::{Cause, CauseKind, Digest};
use landfall_runtime::ProcessUser;
use landfall_runtime::confine::{Confinement, kill_all_of};
use tokio::sync::mpsc;

use super::{Artifacts, BuildJob, BuildOutput, BuildUser, BuiltInputs, Hold};
use crate::world::{chain, disk_full};

/// Marks, among the digests of inputs, those of the build's own settings.
const SETTING: &str = "setting: ";
/// Lines of build output that wait to be taken.
const LINES: usize = 256;
/// How long hashes of inputs are remembered that are not asked for.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Last lines of a failed build that are shown as evidence.
const EVIDENCE_LINES: usize = 15;

/// Builds and trees of this host.
#[derive(Clone)]
pub struct LocalArtifacts {
    content: ContentStore,
    cache: PathBuf,
}

impl LocalArtifacts {
    /// Trees in `content`; hashes of unchanged inputs are remembered in the directory `cache`.
    pub fn new(content: ContentStore, cache: PathBuf) -> Self {
        Self { content, cache }
    }

    fn cache_file(&self, root: &Path, spec: &BuildSpec) -> Option<PathBuf> {
        std::fs::create_dir_all(&self.cache).ok()?;
        let name = Digest::of_json(&(root.to_string_lossy(), &spec.inputs)).hex();
        Some(self.cache.join(name))
    }
}

#[async_trait]
impl Artifacts for LocalArtifacts {
    async fn inputs(&self, root: &Path, spec: &BuildSpec) -> Result<BuiltInputs, Cause> {
        let (root, spec) = (root.to_owned(), spec.clone());
        let cache = self.cache_file(&root, &spec);
        let hash = blocking(move || landfall_build::hash_inputs(&root, &spec, cache.as_deref()));
        Ok(hash.await?.map_err(build_cause)?.into())
    }

    fn explain(&self, before: &BTreeMap<String, Digest>, after: &BuiltInputs) -> Vec<String> {
        let changes = landfall_build::explain(&unflatten(before), &unflatten(&after.files));
        changes.iter().map(ToString::to_string).collect()
    }

    async fn build(
        &self,
        job: &BuildJob,
        spec: &BuildSpec,
        lines: mpsc::Sender<String>,
    ) -> Result<BuildOutput, Cause> {
        let (output, mut received) = mpsc::channel::<OutputLine>(LINES);
        let env: EnvValues = job
            .env
            .iter()
            .map(|(name, value)| (name.clone(), Secret::new(value)))
            .collect();
        let user = job.user.as_ref();
        let request = BuildRequest {
            root: &job.root,
            spec,
            env: &env,
            before_exec: user.map(confine).transpose()?,
            output,
        };
        let leftovers = user.map(|user| Leftovers(user.ids));
        let forward = async {
            while let Some(line) = received.recv().await {
                let _ = lines.send(line.line).await;
            }
        };
        let (built, ()) = tokio::join!(landfall_build::run_build(request), forward);
        built.map_err(build_cause)?;
        // What is taken is not written to any more.
        leftovers.map_or(Ok(()), Leftovers::end)?;
        let (root, spec, content) = (job.root.clone(), spec.clone(), self.content.clone());
        let taken = blocking(move || landfall_build::collect_outputs(&root, &spec, &content));
        let taken = taken.await?.map_err(build_cause)?;
        Ok(BuildOutput {
            artifact: taken.digest,
            files: taken.files,
            bytes: taken.bytes,
            hold: Box::new(taken.hold),
        })
    }

    fn hold(&self, tree: Digest) -> Result<Hold, Cause> {
        Ok(Box::new(self.content.hold(&tree).map_err(content_cause)?))
    }

    async fn contains(&self, tree: Digest) -> bool {
        let content = self.content.clone();
        blocking(move || content.contains_tree(&tree))
            .await
            .unwrap_or(false)
    }

    async fn materialise(&self, tree: Digest, to: &Path) -> Result<(), Cause> {
        let (content, to) = (self.content.clone(), to.to_owned());
        let done = blocking(move || content.materialise(&tree, &to)).await?;
        done.map(drop).map_err(content_cause)
    }

    async fn collect_garbage(&self, keep: BTreeSet<Digest>) -> Result<u64, Cause> {
        let (content, cache) = (self.content.clone(), self.cache.clone());
        let collect = move || {
            forget_old(&cache);
            content.collect_garbage(&keep)
        };
        let done = blocking(collect).await?;
        done.map(|collected| collected.bytes).map_err(content_cause)
    }
}

/// Removes remembered hashes of source trees that nobody has built from for long.
fn forget_old(cache: &Path) {
    for entry in std::fs::read_dir(cache).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.map(|modified| modified.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age > REMEMBERED) {
            // They are only an optimisation.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn confine(user: &BuildUser) -> Result<BeforeExec, Cause> {
    let confinement = Confinement::prepare(user.ids, &user.temporary)
        .map_err(|error| cannot("confine the build", &error))?;
    Ok(Box::new(move || confinement.enter()))
}

/// The processes of a user who builds, killed when dropped.
struct Leftovers(ProcessUser);

impl Leftovers {
    fn end(self) -> Result<(), Cause> {
        let ended = kill_all_of(self.0);
        std::mem::forget(self);
        ended.map_err(|error| cannot("end what the build left", &error))
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        if let Err(error) = kill_all_of(self.0) {
            tracing::error!(%error, uid = self.0.uid, "failed to end what a build left");
        }
    }
}

fn cannot(what: &str, error: &std::io::Error) -> Cause {
    Cause::new(CauseKind::Internal, format!("failed to {what}: {error}"))
}

async fn blocking<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Result<T, Cause> {
    let joined = tokio::task::spawn_blocking(f).await;
    joined.map_err(|error| Cause::new(CauseKind::Internal, error.to_string()))
}

impl From<InputHash> for BuiltInputs {
    fn from(hash: InputHash) -> Self {
        let settings = hash
            .settings
            .into_iter()
            .map(|(name, d)| (format!("{SETTING}{name}"), d));
        Self {
            digest: hash.digest,
            files: hash.files.into_iter().chain(settings).collect(),
        }
    }
}

fn unflatten(flat: &BTreeMap<String, Digest>) -> InputHash {
    let (mut files, mut settings) = (BTreeMap::new(), BTreeMap::new());
    for (name, digest) in flat {
        match name.strip_prefix(SETTING) {
            Some(name) => settings.insert(name.to_owned(), *digest),
            None => files.insert(name.clone(), *digest),
        };
    }
    InputHash {
        digest: Digest::of_json(flat),
        files,
        settings,
    }
}

fn build_cause(error: BuildError) -> Cause {
    if let BuildError::Content(error) = error {
        return content_cause(error);
    }
    if error.is_disk_full() {
        return disk_full(chain(&error));
    }
    let tail = error.tail();
    let shown = tail[tail.len().saturating_sub(EVIDENCE_LINES)..].to_vec();
    let finding = crate::diagnose::find(tail);
    let kind = match &error {
        BuildError::TimedOut { .. } => CauseKind::TimedOut,
        _ => CauseKind::BuildFailed,
    };
    let mut cause = Cause::new(kind, chain(&error)).with_evidence(shown);
    cause.fix = finding.map(|finding| finding.fix);
    cause
}

fn content_cause(error: ContentError) -> Cause {
    if error.is_disk_full() {
        return disk_full(chain(&error));
    }
    if error.is_artifact_gone() {
        return Cause::new(CauseKind::ArtifactGone, chain(&error))
            .with_fix("deploy that version again from its source");
    }
    Cause::new(CauseKind::BuildFailed, chain(&error))
}
