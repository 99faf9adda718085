//! Processes of the host, found by what they belong to and not by name.

use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::wait_until;

/// A process of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its program and arguments, joined by spaces.
    pub command: String,
}

/// Every process that belongs to a directory: its `LANDFALL_HOME` is in it, it works in it, or an
/// argument or its program is in it. The calling process is never among them, nor are zombies.
pub fn belonging_to(dir: &Path) -> Vec<Process> {
    let own = std::process::id().cast_signed();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != own && belongs(*pid, dir))
        .map(|pid| Process {
            pid,
            command: command(pid),
        })
        .collect()
}

/// Kills every process that belongs to a directory, and those that they start meanwhile.
///
/// # Panics
/// When some are left after a minute.
pub fn kill_all(dir: &Path) {
    wait_until(Duration::from_secs(60), "processes to die", || {
        let processes = belonging_to(dir);
        for process in &processes {
            kill(process.pid, dir);
        }
        processes.is_empty()
    });
}

/// Kills one process, if it still is what was looked for: the id alone may be a stranger's by now.
fn kill(pid: i32, dir: &Path) {
    let Some(id) = Pid::from_raw(pid) else {
        return;
    };
    let Ok(held) = pidfd_open(id, PidfdFlags::empty()) else {
        return;
    };
    if belongs(pid, dir) {
        // Fails only for a process that is gone already.
        let _ = pidfd_send_signal(held, Signal::KILL);
    }
}

fn belongs(pid: i32, dir: &Path) -> bool {
    let inside = |path: &[u8]| {
        let path = PathBuf::from(std::ffi::OsString::from_vec(path.to_vec()));
        path.starts_with(dir)
    };
    let link = |name| fs::read_link(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let words = |name| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let home = words("environ")
        .split(|byte| *byte == 0)
        .filter_map(|line| line.strip_prefix(b"LANDFALL_HOME="))
        .any(inside);
    home || inside(link("cwd").as_os_str().as_bytes())
        || inside(link("exe").as_os_str().as_bytes())
        || words("cmdline").split(|byte| *byte == 0).any(inside)
}

fn command(pid: i32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words)
        .replace('\0', " ")
        .trim_end()
        .into()
}
