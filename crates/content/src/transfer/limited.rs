//! A stream that takes no more than so many bytes in a second.

use std::io::{self, Write};
use std::num::NonZeroU64;
use std::thread;
use std::time::{Duration, Instant};

/// What may go out at once after a pause is what goes out in this time.
const BURST: Duration = Duration::from_millis(100);
/// Smaller pieces would only cost system calls.
const SMALLEST: u64 = 1024;

/// A writer that waits so that no more than a number of bytes pass in a second. It waits in the
/// calling thread, and does not keep the processor busy meanwhile.
#[derive(Debug)]
pub struct Limited<W> {
    out: W,
    bucket: Bucket,
    begun: Instant,
}

impl<W: Write> Limited<W> {
    /// Lets `rate` bytes in a second through to `out`.
    pub fn new(out: W, rate: NonZeroU64) -> Self {
        Self {
            out,
            bucket: Bucket::new(rate.get()),
            begun: Instant::now(),
        }
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.out
    }
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = bytes.len().min(self.bucket.size as usize);
        let written = self.out.write(&bytes[..piece])?;
        let wait = self.bucket.take(self.begun.elapsed(), written as u64);
        pause(wait);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Bytes that may pass, which time fills up.
#[derive(Debug)]
struct Bucket {
    /// In a second.
    rate: u64,
    /// How many fit in.
    size: u64,
    /// When it was, or will be, full; since the beginning.
    full_at: Duration,
}

impl Bucket {
    fn new(rate: u64) -> Self {
        let burst = (u128::from(rate) * BURST.as_millis() / 1000) as u64;
        Self {
            rate,
            size: burst.max(SMALLEST),
            full_at: Duration::ZERO,
        }
    }

    /// Takes `bytes` at the time `now`. How long to wait until the bucket is not overdrawn.
    fn take(&mut self, now: Duration, bytes: u64) -> Duration {
        self.full_at = self.full_at.max(now).saturating_add(self.time_of(bytes));
        let may_lack = self.time_of(self.size);
        self.full_at.saturating_sub(now.saturating_add(may_lack))
    }

    fn time_of(&self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

fn pause(wait: Duration) {
    let until = Instant::now().checked_add(wait);
    // Parking may end early.
    while let Some(left) = until.and_then(|until| until.checked_duration_since(Instant::now()))
        && !left.is_zero()
    {
        thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate_holds() {
        let mut bucket = Bucket::new(100_000);
        let second = Duration::from_secs(1);
        assert_eq!(bucket.take(Duration::ZERO, 10_000), Duration::ZERO);
        assert_eq!(bucket.take(Duration::ZERO, 10_000), second / 10);
        assert_eq!(bucket.take(second / 10, 100_000), second);
        // A pause gives back a burst, not more.
        assert_eq!(bucket.take(second * 100, 20_000), second / 10);
    }

    #[test]
    fn any_rate_can_be_reckoned_with() {
        for rate in [1, 7, u64::MAX] {
            let mut bucket = Bucket::new(rate);
            bucket.take(Duration::MAX, u64::MAX);
            bucket.take(Duration::ZERO, u64::MAX);
        }
    }

    #[test]
    fn what_passes_is_what_was_written_and_takes_its_time() {
        let rate = NonZeroU64::new(1_000_000).unwrap();
        let bytes: Vec<u8> = (0..300_000_u32).map(|number| number as u8).collect();
        let begun = Instant::now();
        let mut limited = Limited::new(Vec::new(), rate);
        limited.write_all(&bytes).unwrap();
        limited.flush().unwrap();
        // All but the burst.
        assert!(begun.elapsed() >= Duration::from_millis(200));
        assert_eq!(limited.into_inner(), bytes);
    }
}
