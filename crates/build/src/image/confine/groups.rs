//! Steps that run, and the control groups that limit them.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The period of a quota of cores: that of Docker's own `--cpus`, in microseconds.
const PERIOD: u64 = 100_000;
/// The smallest quota that the kernel takes, in microseconds.
const SMALLEST_QUOTA: u64 = 1_000;

/// What a bundle says of its step (OCI runtime specification, config.json).
#[derive(Debug, Deserialize)]
pub(super) struct Step {
    #[serde(default)]
    pub hostname: String,
    linux: Linux,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Linux {
    #[serde(default)]
    cgroups_path: String,
}

pub(super) fn read_step(dir: &Path) -> Option<Step> {
    serde_json::from_slice(&fs::read(dir.join("config.json")).ok()?).ok()
}

/// Where the control groups of the machine are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hierarchies {
    pub cpu: Option<PathBuf>,
    pub memory: Option<PathBuf>,
    pub unified: Option<PathBuf>,
}

impl Hierarchies {
    /// From the lines of `/proc/mounts`.
    pub fn parse(mounts: &str) -> Self {
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
    pub fn of(&self, step: &Step) -> Groups {
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
pub(super) fn path_below(cgroups_path: &str) -> PathBuf {
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
pub(super) struct Groups {
    pub cpu: Option<PathBuf>,
    pub memory: Option<PathBuf>,
    pub unified: Option<PathBuf>,
}

impl Groups {
    pub fn is_there(&self) -> bool {
        let mut dirs = [&self.cpu, &self.memory, &self.unified]
            .into_iter()
            .flatten();
        dirs.all(|dir| dir.is_dir())
    }

    pub fn limit_memory(&self, bytes: u64) -> io::Result<()> {
        if let Some(dir) = &self.memory {
            fs::write(dir.join("memory.limit_in_bytes"), bytes.to_string())?;
            // So that the limit is not evaded by swapping; missing without swap accounting.
            let _ = write_existing(&dir.join("memory.memsw.limit_in_bytes"), &bytes.to_string());
        }
        if let Some(dir) = &self.unified {
            fs::write(dir.join("memory.max"), bytes.to_string())?;
            let _ = write_existing(&dir.join("memory.swap.max"), "0");
        }
        Ok(())
    }

    pub fn limit_cpus(&self, cpus: f64) -> io::Result<()> {
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

fn write_existing(path: &Path, value: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    file.write_all(value.as_bytes())
}
