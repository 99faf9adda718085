//! Waiting for conditions, the only way in which tests let time pass.

use std::time::{Duration, Instant};

/// Time between two looks at a condition: short against anything that is waited for, long enough to
/// leave the machine to the thing itself.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `look` finds something, and returns it.
///
/// # Panics
/// When `within` has passed; the message says for what was waited.
#[track_caller]
pub fn wait_for<T>(within: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {within:?} in vain for {what}"
        );
        // Nobody unparks this thread: a pause without the sleep that tests must not use.
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// When `within` has passed; the message says for what was waited.
#[track_caller]
pub fn wait_until(within: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(within, what, || condition().then_some(()));
}
