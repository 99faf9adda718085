//! How hard content is compressed: as hard as the connection leaves time for.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::patch::{QUICK, THOROUGH};

/// What a stream takes, and how long it is waited for.
pub(super) struct Pace {
    since: Instant,
    /// Time spent writing, in nanoseconds.
    writing: AtomicU64,
}

impl Pace {
    /// From now on.
    pub fn start() -> Self {
        Self {
            since: Instant::now(),
            writing: AtomicU64::new(0),
        }
    }

    /// Writes to the stream.
    ///
    /// # Errors
    /// When it takes no more.
    pub fn write(&self, out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
        let began = Instant::now();
        let written = out.write_all(bytes);
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.writing.fetch_add(nanos, Ordering::Relaxed);
        written
    }

    /// The level for what is compressed next: thorough where the stream was waited for more than
    /// half of the time, for then bytes are dearer than processor time.
    pub fn level(&self) -> i32 {
        let all = self.since.elapsed().as_nanos();
        match u128::from(self.writing.load(Ordering::Relaxed)) * 2 > all {
            true => THOROUGH,
            false => QUICK,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Takes its time for everything.
    struct Slow;

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let until = Instant::now() + Duration::from_millis(20);
            while Instant::now() < until {
                std::thread::yield_now();
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn content_for_a_slow_connection_is_compressed_harder() {
        let pace = Pace::start();
        assert_eq!(pace.level(), QUICK);
        pace.write(&mut Slow, b"bytes").unwrap();
        assert_eq!(pace.level(), THOROUGH);
    }
}
