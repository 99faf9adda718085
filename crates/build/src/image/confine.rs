//! Keeps the steps of builds to their share of the machine.
//!
//! BuildKit in the engine gives steps no limits, and Docker 20.10 cannot be told a control group for
//! them. Where this process may, it writes the limits itself: BuildKit keeps the bundle of every
//! step that runs below the engine's directory, with its host name, by which ours are known, and
//! its control group. Measured with Docker 20.10.24 and 28.5.2.

mod groups;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::groups::{Groups, Hierarchies, read_step};

/// What steps of builds by Landfall find as the name of their host.
pub(super) const HOST_NAME: &str = "landfall-build";
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

/// Limits the steps of all builds that run, as they come, until it is dropped. `engine` is the
/// engine's directory.
pub(super) async fn confine(engine: &Path, limits: StepLimits) -> std::convert::Infallible {
    let mut confined = Steps::new(engine.join(STEPS), limits, &read_mounts());
    loop {
        confined = match tokio::task::spawn_blocking(move || confined.look()).await {
            Ok(looked) => looked,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        tokio::time::sleep(EVERY).await;
    }
}

fn read_mounts() -> Hierarchies {
    Hierarchies::parse(&fs::read_to_string("/proc/mounts").unwrap_or_default())
}

/// The steps that run.
struct Steps {
    executor: PathBuf,
    limits: StepLimits,
    hierarchies: Hierarchies,
    /// By the name of the step. `None` is not ours, or nothing that can be limited.
    known: BTreeMap<String, Option<Groups>>,
    /// How many of ours share the cores.
    sharing: usize,
}

impl Steps {
    fn new(executor: PathBuf, limits: StepLimits, hierarchies: &Hierarchies) -> Self {
        Self {
            executor,
            limits,
            hierarchies: hierarchies.clone(),
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
            let groups = (step.hostname == HOST_NAME).then(|| self.hierarchies.of(&step));
            if let Some(groups) = &groups {
                if !groups.is_there() {
                    continue;
                }
                if let Err(error) = groups.limit_memory(self.limits.memory) {
                    tracing::debug!(%error, step = name, "the memory of a build is not limited");
                }
            }
            self.known.insert(name.clone(), groups);
            self.sharing = 0;
        }
        let ours: Vec<&Groups> = self.known.values().flatten().collect();
        if ours.len() != self.sharing {
            for groups in &ours {
                if let Err(error) = groups.limit_cpus(self.limits.cpus / ours.len() as f64) {
                    tracing::debug!(%error, "the cores of a build are not limited");
                }
            }
            self.sharing = ours.len();
        }
        self
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
