//! Points at which tests kill the agent. In release builds there is nothing behind them.
//!
//! With `LANDFALL_CRASH_AT=N` a debug build kills itself with SIGKILL at the Nth point it passes,
//! once: it creates the file named by `LANDFALL_CRASH_MARK` first, and passes all points while
//! that file exists. Simulations look at the points that their own thread passes instead.

#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(debug_assertions)]
static PASSED: AtomicU64 = AtomicU64::new(0);

#[cfg(debug_assertions)]
type Watcher = std::rc::Rc<dyn Fn(&'static str)>;

#[cfg(debug_assertions)]
thread_local! {
    static WATCHER: std::cell::RefCell<Option<Watcher>> = const { std::cell::RefCell::new(None) };
}

/// Has `watcher` told of every point that this thread passes; `None` ends that.
#[cfg(debug_assertions)]
pub fn watch(watcher: Option<Watcher>) {
    WATCHER.with(|current| *current.borrow_mut() = watcher);
}

/// Passes a point.
#[cfg(debug_assertions)]
pub fn hit(name: &'static str) {
    if let Some(watcher) = WATCHER.with(|current| current.borrow().clone()) {
        watcher(name);
    }
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
