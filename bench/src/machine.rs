//! The machine that is measured on.

use std::fs;

use anyhow::{Context, Result};

/// One line: cores, processor, kernel.
pub fn describe() -> String {
    let cores = cores();
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, {model}, Linux {}", kernel.trim())
}

/// How many cores there are.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Gives this process and all it starts the largest share of the machine that ordinary scheduling
/// knows, in a session of its own, because the kernel shares by session first where it groups so.
///
/// # Errors
/// Without the right to.
pub fn run_ahead() -> Result<()> {
    // Fails only for the leader of a group, whose session is its own already.
    let _ = rustix::process::setsid();
    rustix::process::setpriority_process(None, -20).context("failed to run ahead: not root?")?;
    // Absent where the kernel does not group.
    let _ = fs::write("/proc/self/autogroup", "-20");
    Ok(())
}
