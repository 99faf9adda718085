//! The wall clock of the simulated host.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use landfall_agent::ports::Clock;

use super::Host;

/// 1 January 2026: when every simulation begins.
const BEGIN: i64 = 1_767_225_600;

/// Tells the simulated time.
pub struct FakeClock(pub Arc<Host>);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        at(self.0.now())
    }
}

/// Lets simulated time pass, which takes none: the clock of a paused runtime jumps to the next
/// moment at which anything happens.
pub async fn elapse(time: Duration) {
    tokio::time::sleep(time).await;
}

/// The moment that is `since` after the begin.
pub(super) fn at(since: Duration) -> Timestamp {
    let millis = i64::try_from(since.as_millis()).unwrap_or(0);
    Timestamp::from_millisecond(BEGIN * 1000 + millis).unwrap_or_default()
}
