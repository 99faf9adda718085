//! Keeps the steps of builds to their share of the machine.
//!
//! BuildKit in the engine gives steps no limits, and Docker 20.10 cannot be told a control group for
//! them. Where this process may, it writes the limits itself: BuildKit keeps the bundle of every
//! step that runs below the engine's directory, with its host name, by which ours are known, and
//! its control group. Measured with Docker 20.10.24 and 28.5.2.

mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use landfall_model::spec::Limits;

use self::step::read_step;
use super::DockerRuntime;
use crate::RuntimeError;
use crate::cgroup::{Found, Mounts};

/// What steps of builds by Landfall find as the name of their host.
pub const BUILD_HOST: &str = "landfall-build";
/// Below the engine's directory: a directory for each step that runs.
const STEPS: &str = "buildkit/executor";
/// How often it is looked for new steps. What a step does until then is not limited.
const EVERY: Duration = Duration::from_millis(50);
/// A step may have this in any case, in bytes: less would fail what packages are installed by.
const SMALLEST_MEMORY: u64 = 256 << 20;

/// What the steps of builds may take of the machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepLimits {
    /// Cores that all steps have together.
    pub cpus: f64,
    /// Memory of each step, in bytes. One that takes more is ended.
    pub memory: u64,
}

impl StepLimits {
    /// Three quarters of the cores, and half of the memory that is free now: two builds at once
    /// leave a quarter of both to what runs.
    pub fn of_this_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let free = available(&meminfo).unwrap_or(0);
        Self {
            cpus: cores as f64 * 0.75,
            memory: (free / 2).max(SMALLEST_MEMORY),
        }
    }
}

/// Bytes that can be had without swapping.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

impl DockerRuntime {
    /// Limits the steps of all builds by Landfall that run, as they come, until it is dropped.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn limit_builds(&self, limits: StepLimits) -> Result<Infallible, RuntimeError> {
        let info = self.docker().await?.info().await;
        let info = info.map_err(self.engine.failed("tell where it keeps images"))?;
        let directory = info.docker_root_dir.unwrap_or_default();
        Ok(limit_builds(Path::new(&directory), limits).await)
    }
}

/// Limits the steps of all builds by Landfall that run, as they come, until it is dropped.
/// `engine` is the directory that an engine keeps everything in.
pub async fn limit_builds(engine: &Path, limits: StepLimits) -> Infallible {
    let mut steps = Steps::new(engine.join(STEPS), limits, Mounts::read());
    loop {
        steps = match tokio::task::spawn_blocking(move || steps.look()).await {
            Ok(looked) => looked,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        tokio::time::sleep(EVERY).await;
    }
}

/// The steps that run.
struct Steps {
    executor: PathBuf,
    limits: StepLimits,
    mounts: Mounts,
    /// By the name of the step. `None` is not ours, or nothing that can be limited.
    known: BTreeMap<String, Option<Found>>,
    /// How many of ours share the cores.
    sharing: usize,
}

impl Steps {
    fn new(executor: PathBuf, limits: StepLimits, mounts: Mounts) -> Self {
        Self {
            executor,
            limits,
            mounts,
            known: BTreeMap::new(),
            sharing: 0,
        }
    }

    fn look(mut self) -> Self {
        let there = steps_of(&self.executor);
        self.known.retain(|name, _| there.contains_key(name));
        for (name, dir) in &there {
            if self.known.contains_key(name) {
                continue;
            }
            // Written while it is read, or not started: next time.
            let Some(step) = read_step(dir) else {
                continue;
            };
            let group = (step.hostname == BUILD_HOST).then(|| self.mounts.find(&step.group()));
            if group.as_ref().is_some_and(|group| !group.is_there()) {
                continue;
            }
            if let Some(group) = &group {
                let memory = Limits {
                    memory: Some(self.limits.memory),
                    ..Limits::default()
                };
                limit(group, &memory);
                self.sharing = 0;
            }
            self.known.insert(name.clone(), group);
        }
        let ours: Vec<&Found> = self.known.values().flatten().collect();
        if ours.len() != self.sharing {
            let cpus = Limits {
                cpus: Some(self.limits.cpus / ours.len() as f64),
                ..Limits::default()
            };
            ours.iter().for_each(|group| limit(group, &cpus));
            self.sharing = ours.len();
        }
        self
    }
}

fn limit(group: &Found, limits: &Limits) {
    if let Err(error) = group.limit(limits) {
        tracing::debug!(%error, ?limits, "a step of a build is not limited");
    }
}

fn steps_of(executor: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(executor).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            )
        })
        .collect()
}
