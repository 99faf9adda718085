//! Keeps the steps of builds to their share of the machine.
//!
//! BuildKit in the engine gives steps no limits, and Docker 20.10 cannot be told a control group for
//! them. Where this process may, it writes the limits itself: BuildKit keeps the bundle of every
//! step that runs below the engine's directory, with its host name, by which ours are known, and
//! its control group. Measured with Docker 20.10.24 and 28.5.2.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// What steps of builds by Landfall find as the name of their host.
pub(super) const HOST_NAME: &str = "landfall-build";
/// Below the engine's directory: a directory for each step that runs.
const STEPS: &str = "buildkit/executor";
/// How often it is looked for new steps. What a step does until then is not limited.
const EVERY: Duration = Duration::from_millis(50);
/// The period of a quota of cores: that of Docker's own `--cpus`, in microseconds.
const PERIOD: u64 = 100_000;
/// The smallest quota that the kernel takes, in microseconds.
const SMALLEST_QUOTA: u64 = 1_000;
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

/// What a bundle says of its step (OCI runtime specification, config.json).
#[derive(Debug, Deserialize)]
struct Step {
    #[serde(default)]
    hostname: String,
    linux: Linux,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Linux {
    #[serde(default)]
    cgroups_path: String,
}

fn read_step(dir: &Path) -> Option<Step> {
    serde_json::from_slice(&fs::read(dir.join("config.json")).ok()?).ok()
}

/// Where the control groups of the machine are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hierarchies {
    cpu: Option<PathBuf>,
    memory: Option<PathBuf>,
    unified: Option<PathBuf>,
}

impl Hierarchies {
    /// From the lines of `/proc/mounts`.
    fn parse(mounts: &str) -> Self {
        let mut found = Self::default();
        for line in mounts.lines() {
            let mut fields = line.split(' ').skip(1);
            let (Some(point), Some(kind), Some(options)) =
                (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let has = |controller: &str| options.split(',').any(|option| option == controller);
            match kind {
                "cgroup2" => found.unified = Some(point.into()),
                "cgroup" if has("cpu") => found.cpu = Some(point.into()),
                "cgroup" if has("memory") => found.memory = Some(point.into()),
                _ => {}
            }
            if kind == "cgroup" && has("cpu") && has("memory") {
                found.memory = Some(point.into());
            }
        }
        found
    }

    /// The groups of a step.
    fn of(&self, step: &Step) -> Groups {
        let path = path_below(&step.linux.cgroups_path);
        let below = |root: &Option<PathBuf>| Some(root.as_ref()?.join(&path));
        let is_unified = self.cpu.is_none() && self.memory.is_none();
        Groups {
            cpu: below(&self.cpu),
            memory: below(&self.memory),
            unified: below(&self.unified).filter(|_| is_unified),
        }
    }
}

/// The directory of a group in its hierarchy: a path as it is, or a scope of systemd, as
/// `system.slice:docker:ID`.
fn path_below(cgroups_path: &str) -> PathBuf {
    let mut fields = cgroups_path.splitn(3, ':');
    match (fields.next(), fields.next(), fields.next()) {
        (Some(slice), Some(prefix), Some(name)) => {
            let scope = format!("{prefix}-{name}.scope");
            slices(slice).join(scope)
        }
        _ => PathBuf::from(cgroups_path.trim_start_matches('/')),
    }
}

/// `a-b.slice` is in `a.slice` (systemd.slice(5)).
fn slices(slice: &str) -> PathBuf {
    let name = slice.strip_suffix(".slice").unwrap_or(slice);
    let ends = name.match_indices('-').map(|(end, _)| end);
    let ends = ends.chain([name.len()]);
    ends.map(|end| format!("{}.slice", &name[..end])).collect()
}

/// The control groups of a step that runs.
#[derive(Debug, PartialEq, Eq)]
struct Groups {
    cpu: Option<PathBuf>,
    memory: Option<PathBuf>,
    unified: Option<PathBuf>,
}

impl Groups {
    fn is_there(&self) -> bool {
        let mut dirs = [&self.cpu, &self.memory, &self.unified]
            .into_iter()
            .flatten();
        dirs.all(|dir| dir.is_dir())
    }

    fn limit_memory(&self, bytes: u64) -> io::Result<()> {
        if let Some(dir) = &self.memory {
            fs::write(dir.join("memory.limit_in_bytes"), bytes.to_string())?;
        }
        match &self.unified {
            Some(dir) => fs::write(dir.join("memory.max"), bytes.to_string()),
            None => Ok(()),
        }
    }

    fn limit_cpus(&self, cpus: f64) -> io::Result<()> {
        let quota = ((cpus * PERIOD as f64) as u64).max(SMALLEST_QUOTA);
        if let Some(dir) = &self.cpu {
            fs::write(dir.join("cpu.cfs_period_us"), PERIOD.to_string())?;
            fs::write(dir.join("cpu.cfs_quota_us"), quota.to_string())?;
        }
        match &self.unified {
            Some(dir) => fs::write(dir.join("cpu.max"), format!("{quota} {PERIOD}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(host: &str, path: &str) -> String {
        format!(r#"{{"hostname": "{host}", "linux": {{"cgroupsPath": "{path}"}}}}"#)
    }

    struct Machine(tempfile::TempDir);

    impl Machine {
        /// With a step for each host name, `a` to `z`.
        fn new(hosts: &[&str], unified: bool) -> Self {
            let machine = Self(tempfile::tempdir().unwrap());
            for (host, name) in hosts.iter().zip('a'..='z') {
                let bundle = machine.dir("executor").join(name.to_string());
                fs::create_dir_all(&bundle).unwrap();
                let text = step(host, &format!("/docker/buildkit/{name}"));
                fs::write(bundle.join("config.json"), text).unwrap();
                for hierarchy in if unified {
                    &["unified"][..]
                } else {
                    &["cpu", "memory"]
                } {
                    let dir = machine.dir(hierarchy).join("docker/buildkit");
                    fs::create_dir_all(dir.join(name.to_string())).unwrap();
                }
            }
            machine
        }

        fn dir(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn steps(&self) -> Steps {
            let is_there = |name| Some(self.dir(name)).filter(|dir| dir.is_dir());
            let hierarchies = Hierarchies {
                cpu: is_there("cpu"),
                memory: is_there("memory"),
                unified: is_there("unified"),
            };
            let limits = StepLimits {
                cpus: 1.5,
                memory: 4096,
            };
            Steps::new(self.dir("executor"), limits, &hierarchies)
        }

        fn limit(&self, path: &str) -> Option<String> {
            fs::read_to_string(self.0.path().join(path)).ok()
        }
    }

    #[test]
    fn c3_steps_of_landfall_share_the_cores_and_have_a_limit_of_memory_and_others_have_none() {
        let machine = Machine::new(&[HOST_NAME, "buildkitsandbox", HOST_NAME], false);
        let steps = machine.steps().look();
        let quota = |step| machine.limit(&format!("cpu/docker/buildkit/{step}/cpu.cfs_quota_us"));
        let memory = |step| {
            machine.limit(&format!(
                "memory/docker/buildkit/{step}/memory.limit_in_bytes"
            ))
        };
        assert_eq!(
            [quota("a"), quota("c")],
            [Some("75000".into()), Some("75000".into())]
        );
        assert_eq!(memory("a"), Some("4096".into()));
        assert_eq!((quota("b"), memory("b")), (None, None));

        fs::remove_dir_all(machine.dir("executor/c")).unwrap();
        steps.look();
        assert_eq!(quota("a"), Some("150000".into()), "it has them alone");
    }

    #[test]
    fn c3_steps_are_limited_in_the_unified_hierarchy() {
        let machine = Machine::new(&[HOST_NAME], true);
        machine.steps().look();
        let limit = |file: &str| machine.limit(&format!("unified/docker/buildkit/a/{file}"));
        assert_eq!(limit("cpu.max"), Some("150000 100000".into()));
        assert_eq!(limit("memory.max"), Some("4096".into()));
    }

    #[test]
    fn a_step_that_has_no_group_yet_is_limited_once_it_has() {
        let machine = Machine::new(&[HOST_NAME], false);
        let group = machine.dir("cpu/docker/buildkit/a");
        fs::remove_dir(&group).unwrap();
        let steps = machine.steps().look();
        fs::create_dir(&group).unwrap();
        steps.look();
        assert!(group.join("cpu.cfs_quota_us").is_file());
    }

    #[test]
    fn groups_are_found_as_paths_and_as_scopes_of_systemd() {
        for (path, dir) in [
            ("/docker/buildkit/x", "docker/buildkit/x"),
            ("system.slice:docker:x", "system.slice/docker-x.scope"),
            ("a-b.slice:docker:x", "a.slice/a-b.slice/docker-x.scope"),
        ] {
            assert_eq!(path_below(path), PathBuf::from(dir), "{path}");
        }
    }

    #[test]
    fn hierarchies_are_read_from_the_mounts_of_both_versions() {
        let first = "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
                     cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n\
                     cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";
        let expected = Hierarchies {
            cpu: Some("/sys/fs/cgroup/cpu,cpuacct".into()),
            memory: Some("/sys/fs/cgroup/memory".into()),
            unified: Some("/sys/fs/cgroup/unified".into()),
        };
        assert_eq!(Hierarchies::parse(first), expected);
        let second = "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\nbroken\n";
        assert_eq!(
            Hierarchies::parse(second).unified,
            Some("/sys/fs/cgroup".into())
        );
    }

    #[test]
    fn free_memory_is_what_the_kernel_says_is_available() {
        let meminfo = "MemTotal:       24672072 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(available(meminfo), Some(2 << 20));
        assert_eq!(available(""), None);
        assert!(StepLimits::of_this_machine().memory >= SMALLEST_MEMORY);
    }
}
