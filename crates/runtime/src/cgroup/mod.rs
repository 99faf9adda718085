//! Control groups of instances: limits, counters of OOM kills, and who belongs to an instance.
//!
//! Version 2 and version 1, wherever this process may make a group; by trying, because nothing
//! else tells. Owns the groups named `landfall-ID`, and touches no
//! other but those of builds, which it limits ([`found`]).
//!
//! There is no substitute where no group can be made, and none is pretended. A limit on address
//! space stops programs that reserve far more than they use, as most runtimes do, and a limit on
//! processes by resource limit counts all of the user's: such limits are told of as not enforced.

mod found;
mod mounts;
mod v1;
mod v2;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use landfall_model::InstanceId;
use landfall_model::spec::Limits;
use serde::{Deserialize, Serialize};

pub(crate) use found::{Found, Mounts};

/// The group of an instance: one directory in version 2, one per controller in version 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cgroup {
    /// All its directories.
    pub dirs: Vec<PathBuf>,
    /// The file with the count of OOM kills.
    pub oom_file: Option<PathBuf>,
}

/// A group, and which of the limits it does not enforce.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub cgroup: Option<Cgroup>,
    /// One sentence for each limit that was asked for and is not enforced.
    pub notes: Vec<String>,
}

/// The controllers that limits need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Controller {
    Memory,
    Cpu,
    Pids,
}

impl Controller {
    const ALL: [Self; 3] = [Self::Memory, Self::Cpu, Self::Pids];

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Pids => "pids",
        }
    }

    fn limit_name(self) -> &'static str {
        match self {
            Self::Memory => "memory limit",
            Self::Cpu => "cpu limit",
            Self::Pids => "process limit",
        }
    }

    fn is_wanted(self, limits: &Limits) -> bool {
        match self {
            Self::Memory => limits.memory.is_some(),
            Self::Cpu => limits.cpus.is_some(),
            Self::Pids => limits.pids.is_some(),
        }
    }
}

/// Makes the group of an instance with its limits, as far as this process may.
pub(crate) fn make(id: &InstanceId, limits: &Limits) -> Made {
    let name = format!("landfall-{id}");
    let layout = mounts::read();
    let mut reason = "no writable cgroup".to_owned();
    for attempt in [
        v2::make(&layout, &name, limits),
        v1::make(&layout, &name, limits),
    ] {
        match attempt.and_then(|(cgroup, enforced)| cgroup.probe().map(|()| (cgroup, enforced))) {
            Ok((cgroup, enforced)) => {
                let notes = notes(limits, &enforced, "the cgroup has no such controller");
                return Made {
                    cgroup: Some(cgroup),
                    notes,
                };
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => reason = format!("no writable cgroup ({error})"),
        }
    }
    Made {
        cgroup: None,
        notes: notes(limits, &[], &reason),
    }
}

fn notes(limits: &Limits, enforced: &[Controller], reason: &str) -> Vec<String> {
    Controller::ALL
        .into_iter()
        .filter(|controller| controller.is_wanted(limits) && !enforced.contains(controller))
        .map(|controller| format!("{} is not enforced: {reason}", controller.limit_name()))
        .collect()
}

impl Cgroup {
    /// The files to which a process writes `0` to join.
    pub fn join_files(&self) -> io::Result<Vec<File>> {
        self.dirs
            .iter()
            .map(|dir| {
                OpenOptions::new()
                    .write(true)
                    .open(dir.join("cgroup.procs"))
            })
            .collect()
    }

    /// Every process in the group.
    pub fn members(&self) -> Vec<u32> {
        let mut members = Vec::new();
        for dir in &self.dirs {
            collect_members(dir, &mut members);
        }
        members.sort_unstable();
        members.dedup();
        members
    }

    /// How many of its processes the kernel has killed for memory so far.
    pub fn oom_kills(&self) -> u64 {
        let Some(file) = &self.oom_file else { return 0 };
        std::fs::read_to_string(file)
            .ok()
            .and_then(|text| {
                let line = text
                    .lines()
                    .find_map(|line| line.strip_prefix("oom_kill "))?;
                line.trim().parse().ok()
            })
            .unwrap_or(0)
    }

    /// Kills every process in the group at once, where the kernel can: version 2 since 5.14.
    pub fn kill(&self) {
        for dir in &self.dirs {
            let _ = write_existing(&dir.join("cgroup.kill"), "1");
        }
    }

    /// Removes the group. False while a process is still in it.
    pub fn remove(&self) -> bool {
        let left = self.dirs.iter().filter(|dir| !remove_tree(dir)).count();
        left == 0
    }

    /// Whether a process can really be put in: version 2 asks for rights on the group that both
    /// places have in common, which only a try shows.
    fn probe(&self) -> io::Result<()> {
        let tried = self.join_files().and_then(|files| {
            let fds: Vec<i32> = files.iter().map(std::os::fd::AsRawFd::as_raw_fd).collect();
            crate::shim::fork::try_in_child(|| {
                fds.iter()
                    .try_for_each(|&fd| crate::shim::fork::write_raw(fd, b"0"))
            })
        });
        if tried.is_err() {
            self.remove();
        }
        tried
    }
}

fn collect_members(dir: &Path, members: &mut Vec<u32>) {
    if let Ok(text) = std::fs::read_to_string(dir.join("cgroup.procs")) {
        members.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
    }
    for child in child_dirs(dir) {
        collect_members(&child, members);
    }
}

fn remove_tree(dir: &Path) -> bool {
    for child in child_dirs(dir) {
        remove_tree(&child);
    }
    match std::fs::remove_dir(dir) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn child_dirs(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// Writes a control file; unlike `fs::write` it never makes one.
fn write_existing(path: &Path, value: &str) -> io::Result<()> {
    use std::io::Write;
    OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(value.as_bytes())
}

/// Makes a directory, or takes the one that a killed shim of the same instance left.
fn make_dir(dir: &Path) -> io::Result<()> {
    match std::fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// CPU time in microseconds per [`CPU_PERIOD`].
fn cpu_quota(cpus: f64) -> u64 {
    // The kernel refuses quotas below 1 ms.
    ((cpus * CPU_PERIOD as f64) as u64).max(1_000)
}

/// Microseconds over which CPU time is shared out: the kernel's own default.
const CPU_PERIOD: u64 = 100_000;
