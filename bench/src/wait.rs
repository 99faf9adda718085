//! Waiting for conditions with a deadline.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Time between two looks: short against anything that is measured by waiting for it.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Waits until `look` finds something.
///
/// # Errors
/// When `within` has passed.
pub fn wait_for<T>(within: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {within:?} in vain for {what}");
        }
        pause(LOOK_EVERY);
    }
}

/// Lets time pass, where time passing is what is measured.
pub fn pause(time: Duration) {
    let until = Instant::now() + time;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        // Nobody unparks this thread.
        std::thread::park_timeout(left);
    }
}
