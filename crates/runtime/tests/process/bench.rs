//! A workbench for one test: a directory of its own, and nothing left running after it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use landfall_model::InstanceId;
use landfall_model::env::{EnvValues, Secret};
use landfall_model::spec::{Limits, RestartSpec, StopSpec};
use landfall_runtime::process::{ProcessRuntime, ProcessRuntimeOptions};
use landfall_runtime::{
    INSTANCE_FORMAT, InstanceSpec, InstanceState, InstanceStatus, LogQuery, LogSpec, Owner,
    RunSpec, Runtime, Stream,
};

pub use crate::support::{eventually, is_alive, kill, pid, within};

pub struct Bench {
    pub runtime: ProcessRuntime,
    pub root: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self::below("instances")
    }

    /// With instances in this directory of the bench.
    pub fn below(dir: impl AsRef<Path>) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let runtime = runtime_at(&root.path().join(dir));
        Self { runtime, root }
    }

    /// A spec of a shell script, with an id of its own.
    pub fn sh(&self, script: &str) -> InstanceSpec {
        InstanceSpec {
            format: INSTANCE_FORMAT,
            id: unique_id(),
            owner: Some(Owner {
                app: "shop".parse().expect("a name"),
                environment: "test".parse().expect("a name"),
                service: "web".parse().expect("a name"),
                task: None,
                release: landfall_model::ReleaseNumber(1),
                deployment: None,
            }),
            run: RunSpec::Process {
                argv: vec!["/bin/sh".into(), "-c".into(), script.into()],
                dir: self.root.path().to_owned(),
                user: None,
            },
            port: None,
            restart: None,
            stop: StopSpec {
                signal: "SIGTERM".into(),
                grace: Duration::from_secs(20),
            },
            limits: Limits::default(),
            log: LogSpec::default(),
        }
    }

    /// A program without arguments, to be run in the bench's directory.
    pub fn program(&self, path: &str) -> RunSpec {
        RunSpec::Process {
            argv: vec![path.to_owned()],
            dir: self.root.path().to_owned(),
            user: None,
        }
    }

    pub async fn start(&self, spec: &InstanceSpec) {
        self.runtime.start(spec, &env(&[])).await.expect("a start");
    }

    pub async fn status(&self, id: &InstanceId) -> InstanceStatus {
        self.runtime.status(id).await.expect("a status")
    }

    /// Waits for a status by way of `changed`.
    pub async fn until(
        &self,
        id: &InstanceId,
        is_it: impl Fn(&InstanceStatus) -> bool,
    ) -> InstanceStatus {
        within(async {
            let mut status = self.status(id).await;
            while !is_it(&status) {
                status = self
                    .runtime
                    .changed(id, status.seq)
                    .await
                    .expect("a change");
            }
            status
        })
        .await
    }

    pub async fn until_exited(&self, id: &InstanceId) -> InstanceStatus {
        self.until(id, |status| status.state == InstanceState::Exited)
            .await
    }

    /// The texts of one stream.
    pub async fn texts(&self, id: &InstanceId, stream: Stream) -> Vec<String> {
        let lines = self
            .runtime
            .logs(id, &LogQuery::default())
            .await
            .expect("a log");
        lines
            .into_iter()
            .filter(|line| line.stream == stream)
            .map(|line| line.text)
            .collect()
    }

    /// Waits until standard output has a line like this, and gives the rest of it.
    pub async fn line(&self, id: &InstanceId, prefix: &str) -> String {
        eventually(&format!("a line {prefix:?}"), async || {
            let texts = self.texts(id, Stream::Stdout).await;
            texts
                .iter()
                .find_map(|text| Some(text.strip_prefix(prefix)?.to_owned()))
        })
        .await
    }

    pub fn dir(&self, id: &InstanceId) -> PathBuf {
        self.runtime.dir(id)
    }

    /// The shim's process id, from its record.
    pub fn shim(&self, id: &InstanceId) -> i32 {
        let state = std::fs::read(self.dir(id).join("state.json")).expect("a record");
        let state: serde_json::Value = serde_json::from_slice(&state).expect("json");
        i32::try_from(state["shim"]["pid"].as_i64().expect("a pid")).expect("a pid")
    }
}

impl Drop for Bench {
    /// Kills whatever a failed test left, by what the shims' command lines say.
    fn drop(&mut self) {
        let root = self.root.path().to_string_lossy().into_owned();
        for pid in all_pids() {
            let shim = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&shim).contains(&root) {
                kill_tree(pid);
            }
        }
        for record in records(&self.root.path().to_string_lossy()) {
            remove_cgroup(&record);
        }
    }
}

pub fn runtime_at(instances_dir: &Path) -> ProcessRuntime {
    ProcessRuntime::new(ProcessRuntimeOptions {
        instances_dir: instances_dir.to_owned(),
        shim: vec![shim_program().to_string_lossy().into_owned()],
    })
}

/// The example `landfall-shim`, which `cargo test` builds besides this test.
pub fn shim_program() -> PathBuf {
    let own = std::env::current_exe().expect("own path");
    let profile = own
        .parent()
        .and_then(Path::parent)
        .expect("a target directory");
    let program = profile.join("examples/landfall-shim");
    assert!(
        program.exists(),
        "{} is not built: run cargo build --examples",
        program.display()
    );
    program
}

pub fn env(values: &[(&str, &str)]) -> EnvValues {
    let path = (
        "PATH".to_owned(),
        Secret::new("/usr/local/bin:/usr/bin:/bin"),
    );
    let given = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
    BTreeMap::from_iter(std::iter::once(path).chain(given))
}

pub fn unique_id() -> InstanceId {
    let random: u64 = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
    format!("test-{random:x}").parse().expect("an id")
}

pub fn quick_restart() -> RestartSpec {
    RestartSpec {
        backoff: Duration::from_millis(10),
        max_backoff: Duration::from_millis(40),
        crash_loop_exits: 4,
        crash_loop_window: Duration::from_secs(600),
        stable_after: Duration::from_secs(600),
    }
}

pub async fn until_dead(pid: i32) {
    eventually(&format!("the end of {pid}"), async || {
        (!is_alive(pid)).then_some(())
    })
    .await;
}

fn all_pids() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("proc");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

fn kill_tree(pid: i32) {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    // The parent first, so that it starts no further ones.
    kill(pid);
    for child in children.unwrap_or_default().split_ascii_whitespace() {
        kill_tree(child.parse().expect("a pid"));
    }
}

/// All records below a directory, however deep the instances are.
fn records(root: &str) -> Vec<serde_json::Value> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(records(&entry.path().to_string_lossy()));
        } else if entry.file_name() == "state.json" {
            let state = std::fs::read(entry.path()).unwrap_or_default();
            found.extend(serde_json::from_slice::<serde_json::Value>(&state));
        }
    }
    found
}

fn remove_cgroup(record: &serde_json::Value) {
    for dir in record["cgroup"]["dirs"].as_array().into_iter().flatten() {
        let deadline = Instant::now() + Duration::from_secs(2);
        let dir = dir.as_str().expect("a path");
        while Path::new(dir).exists() && Instant::now() < deadline {
            let _ = std::fs::remove_dir(dir);
            std::thread::yield_now();
        }
    }
}

pub fn is_running(status: &InstanceStatus) -> bool {
    matches!(status.state, InstanceState::Running { .. })
}
