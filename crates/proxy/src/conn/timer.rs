//! One deadline per connection, that is moved often and expires seldom.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// A deadline. Moving it later costs nothing: the runtime's timer is only touched when it fires too early.
#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
    deadline: Instant,
}

impl Timer {
    /// Expires after `after`.
    pub(crate) fn new(after: Duration) -> Self {
        let deadline = Instant::now() + after;
        Self {
            sleep: Box::pin(tokio::time::sleep_until(deadline.into())),
            armed: deadline,
            deadline,
        }
    }

    /// Expires after `after` from now instead.
    pub(crate) fn set(&mut self, after: Duration) {
        self.deadline = Instant::now() + after;
    }

    /// Ready once the deadline has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.deadline < self.armed {
            self.arm();
        }
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            if Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            self.arm();
        }
    }

    fn arm(&mut self) {
        self.armed = self.deadline;
        self.sleep.as_mut().reset(self.deadline.into());
    }
}
