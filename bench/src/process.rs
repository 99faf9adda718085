//! Processes that a benchmark starts, and the certainty that none is left.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tempfile::TempDir;

use crate::wait::wait_for;

/// A directory for everything of one benchmark. Dropping it kills every process that belongs to it.
#[derive(Debug)]
pub struct Workplace(TempDir);

impl Workplace {
    /// A new one.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("landfall-bench-").tempdir();
        Ok(Self(dir.context("failed to make a directory")?))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A directory in it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn dir(&self, name: &str) -> Result<PathBuf> {
        let dir = self.path().join(name);
        fs::create_dir_all(&dir).with_context(|| format!("failed to make {}", dir.display()))?;
        Ok(dir)
    }

    /// Every process that belongs to it.
    pub fn processes(&self) -> Vec<(u32, String)> {
        belonging_to(self.path())
    }
}

/// Renames a directory of a workplace, where there is one: it goes with the workplace. It is not
/// removed, because ext4 searches long for inodes soon after many were deleted.
///
/// # Errors
/// When it cannot.
pub fn set_aside(dir: &Path) -> Result<()> {
    let mut names = (0..).map(|number: u32| dir.with_extension(format!("aside-{number}")));
    match names.find(|name| !name.exists()) {
        Some(aside) if dir.exists() => {
            fs::rename(dir, aside).with_context(|| format!("failed to set {} aside", dir.display()))
        }
        _ => Ok(()),
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        let _ = wait_for(Duration::from_secs(30), "processes to die", || {
            let processes = belonging_to(self.path());
            for (pid, _) in &processes {
                kill(*pid, |pid| belongs(pid, self.path()));
            }
            processes.is_empty().then_some(())
        });
    }
}

/// Processes whose directory, program, arguments or environment lead into a directory, and their
/// command lines. Never the calling process.
fn belonging_to(dir: &Path) -> Vec<(u32, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != std::process::id() && belongs(*pid, dir))
        .map(|pid| (pid, command_line(pid)))
        .collect()
}

fn belongs(pid: u32, dir: &Path) -> bool {
    let dir = dir.as_os_str().as_bytes();
    let holds = |bytes: &[u8]| bytes.windows(dir.len()).any(|part| part == dir);
    let link = |name| fs::read_link(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let words = |name| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let is_at = |path: PathBuf| path.as_os_str().as_bytes().starts_with(dir);
    is_at(link("cwd")) || is_at(link("exe")) || holds(&words("cmdline")) || holds(&words("environ"))
}

fn command_line(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ")
}

/// Kills a process if, held so that its id cannot become a stranger's, it still is the one meant.
pub fn kill(pid: u32, is_meant: impl Fn(u32) -> bool) {
    let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    let Ok(held) = pidfd_open(id, PidfdFlags::empty()) else {
        return;
    };
    if is_meant(pid) {
        // Fails only for a process that is gone already.
        let _ = pidfd_send_signal(held, Signal::KILL);
    }
}

/// A server that runs for as long as this is kept.
#[derive(Debug)]
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts it, its output in a file of the workplace.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut command: Command, output: &Path) -> Result<Self> {
        let file = File::create(output)
            .with_context(|| format!("failed to create {}", output.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("failed to start {command:?}"))?;
        Ok(Self { child })
    }

    /// It and its children.
    pub fn pids(&self) -> Vec<u32> {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_ascii_whitespace();
        std::iter::once(own)
            .chain(children.filter_map(|pid| pid.parse().ok()))
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for pid in self.pids() {
            let is_child = |pid: u32| self.pids().contains(&pid);
            kill(pid, is_child);
        }
        let _ = self.child.wait();
    }
}

/// A command on certain cores only, as `taskset` lists them.
pub fn on_cores(cores: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(cores).arg(program);
    command
}
