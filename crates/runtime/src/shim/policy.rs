//! When a process that exited by itself is started again: back-off, crash loop, recovery.
//!
//! Pure: time and randomness are given. Owns the memory of earlier exits.

use std::collections::VecDeque;
use std::time::Duration;

use landfall_model::spec::RestartSpec;

/// The share of a delay that jitter may take away, so that many instances which fail of one cause
/// do not come back in step.
const JITTER: f64 = 0.25;

/// The memory of one instance's exits.
#[derive(Debug, Clone)]
pub(crate) struct RestartPolicy {
    spec: RestartSpec,
    /// Exits since it was last stable.
    unstable_exits: u32,
    /// When the latest exits were, since the shim's start; no more than make a crash loop.
    recent: VecDeque<Duration>,
    crash_looping: bool,
}

/// What is done about an exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Restart {
    /// Time until the next start.
    pub delay: Duration,
    /// Whether it exits too often to be called anything but broken.
    pub crash_looping: bool,
}

impl RestartPolicy {
    /// A policy with nothing to remember.
    pub fn new(spec: RestartSpec) -> Self {
        Self {
            spec,
            unstable_exits: 0,
            recent: VecDeque::new(),
            crash_looping: false,
        }
    }

    /// Decides after an exit at `now` of a process that `ran` for so long. `random` is in 0..1.
    pub fn exited(&mut self, now: Duration, ran: Duration, random: f64) -> Restart {
        if ran >= self.spec.stable_after {
            self.unstable_exits = 0;
            self.recent.clear();
            self.crash_looping = false;
        }
        self.note_exit(now);
        let delay = if self.crash_looping {
            self.longest()
        } else {
            self.doubled()
        };
        self.unstable_exits = self.unstable_exits.saturating_add(1);
        Restart {
            delay: delay.mul_f64(1.0 - JITTER * random.clamp(0.0, 1.0)),
            crash_looping: self.crash_looping,
        }
    }

    fn note_exit(&mut self, now: Duration) {
        let many = self.spec.crash_loop_exits as usize;
        if many == 0 {
            return;
        }
        self.recent.push_back(now);
        while self.recent.len() > many {
            self.recent.pop_front();
        }
        let first = self.recent.front().copied().unwrap_or(now);
        if self.recent.len() == many && now.saturating_sub(first) <= self.spec.crash_loop_window {
            self.crash_looping = true;
        }
    }

    fn longest(&self) -> Duration {
        self.spec.max_backoff.max(self.spec.backoff)
    }

    fn doubled(&self) -> Duration {
        let factor = 2_u32.saturating_pow(self.unstable_exits.min(31));
        self.spec.backoff.saturating_mul(factor).min(self.longest())
    }
}

#[cfg(test)]
mod tests;
