//! Simulated builds: the name of a source directory stands for what is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use landfall_agent::ports::artifacts::{BuildJob, Hold};
use landfall_agent::ports::{Artifacts, BuildOutput, BuiltInputs};
use landfall_model::spec::BuildSpec;
use landfall_model::{Cause, CauseKind, Digest};
use tokio::sync::mpsc;

use super::faults::Injected;
use super::host::Host;

/// Command whose build fails.
const FAILS: &str = "false";

/// Builds and keeps trees. What it holds ends with its agent.
pub struct FakeArtifacts {
    host: Arc<Host>,
    held: Arc<Mutex<Vec<Digest>>>,
}

impl FakeArtifacts {
    /// The artifacts of a host.
    pub fn new(host: Arc<Host>) -> Self {
        let held = Arc::default();
        Self { host, held }
    }
}

struct Held {
    tree: Digest,
    all: Arc<Mutex<Vec<Digest>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.iter().position(|tree| *tree == self.tree) {
            all.swap_remove(at);
        }
    }
}

fn injected(_: Injected) -> Cause {
    Cause::new(CauseKind::DiskFull, Injected::MESSAGE)
}

fn command(spec: &BuildSpec) -> String {
    spec.run
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn digest(kind: &str, root: &Path, spec: &BuildSpec) -> Digest {
    Digest::of(format!("{kind} {} {}", root.display(), command(spec)).as_bytes())
}

#[async_trait]
impl Artifacts for FakeArtifacts {
    async fn inputs(&self, root: &Path, spec: &BuildSpec) -> Result<BuiltInputs, Cause> {
        self.host.enter("inputs").map_err(injected)?;
        let digest = digest("inputs", root, spec);
        let files = BTreeMap::from([("src/main".to_owned(), digest)]);
        Ok(BuiltInputs { digest, files })
    }

    fn explain(&self, before: &BTreeMap<String, Digest>, after: &BuiltInputs) -> Vec<String> {
        let changed = |(path, digest): &(&String, &Digest)| before.get(*path) != Some(digest);
        let all = after.files.iter().filter(changed);
        all.map(|(path, _)| path.clone()).collect()
    }

    async fn build(
        &self,
        job: &BuildJob,
        spec: &BuildSpec,
        lines: mpsc::Sender<String>,
    ) -> Result<BuildOutput, Cause> {
        let call = self.host.enter("build").map_err(injected)?;
        let _ = lines.send(format!("building {}", job.service)).await;
        tokio::time::sleep(Duration::from_millis(80)).await;
        if command(spec) == FAILS {
            return Err(Cause::new(CauseKind::BuildFailed, "exit code 1"));
        }
        let artifact = digest("tree", &job.root, spec);
        let hold = self.hold(artifact)?;
        self.host.state().trees.insert(artifact);
        self.host.leave(call, "built").map_err(injected)?;
        Ok(BuildOutput {
            artifact,
            files: 1,
            bytes: 1,
            hold,
        })
    }

    fn hold(&self, tree: Digest) -> Result<Hold, Cause> {
        let all = self.held.clone();
        all.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(tree);
        Ok(Box::new(Held { tree, all }))
    }

    async fn contains(&self, tree: Digest) -> bool {
        self.host.enter("contains").is_ok() && self.host.state().trees.contains(&tree)
    }

    async fn materialise(&self, tree: Digest, to: &Path) -> Result<(), Cause> {
        let call = self.host.enter("materialise").map_err(injected)?;
        let gone = || Cause::new(CauseKind::ArtifactGone, format!("no tree {tree}"));
        if !self.host.state().trees.contains(&tree) {
            return Err(gone());
        }
        std::fs::create_dir(to)
            .map_err(|error| Cause::new(CauseKind::Internal, error.to_string()))?;
        self.host.leave(call, "materialised").map_err(injected)
    }

    async fn collect_garbage(&self, keep: BTreeSet<Digest>) -> Result<u64, Cause> {
        let call = self.host.enter("collect_garbage").map_err(injected)?;
        let held = self
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut state = self.host.state();
        state
            .trees
            .retain(|tree| keep.contains(tree) || held.contains(tree));
        drop(state);
        self.host.leave(call, "collected").map_err(injected)?;
        Ok(0)
    }
}
