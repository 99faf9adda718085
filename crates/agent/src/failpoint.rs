//! Points at which tests kill the agent. In release builds there is nothing behind them.
//!
//! With `LANDFALL_CRASH_AT=N` a debug build kills itself with SIGKILL at the Nth point it passes,
//! once: it creates the file named by `LANDFALL_CRASH_MARK` first, and passes all points while
//! that file exists.

#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(debug_assertions)]
static PASSED: AtomicU64 = AtomicU64::new(0);

/// Passes a point.
#[cfg(debug_assertions)]
pub fn hit(name: &'static str) {
    let Some(at) = std::env::var("LANDFALL_CRASH_AT")
        .ok()
        .and_then(|at| at.parse::<u64>().ok())
    else {
        return;
    };
    if PASSED.fetch_add(1, Ordering::Relaxed) + 1 != at {
        return;
    }
    let Some(mark) = std::env::var_os("LANDFALL_CRASH_MARK") else {
        return;
    };
    if std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&mark)
        .is_err()
    {
        return;
    }
    let _ = std::fs::write(&mark, name);
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

/// Passes a point.
#[cfg(not(debug_assertions))]
pub fn hit(_name: &'static str) {}
