//! The time as the log has it: `2026-11-20T10:00:00.123456789Z`, always of one length, so that
//! it needs no parsing to be skipped, and written without the heap.

use std::time::{SystemTime, UNIX_EPOCH};

/// Length of a [`Stamp`] in bytes.
pub(crate) const STAMP_LEN: usize = 30;

/// A moment, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(pub [u8; STAMP_LEN]);

impl Stamp {
    /// This moment; clocks before 1970 say 1970.
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self::new(since.as_secs(), since.subsec_nanos())
    }

    fn new(unix_seconds: u64, nanos: u32) -> Self {
        let (year, month, day) = civil(unix_seconds / 86_400);
        let second = unix_seconds % 86_400;
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        put(&mut text[0..4], year);
        put(&mut text[5..7], month);
        put(&mut text[8..10], day);
        put(&mut text[11..13], second / 3600);
        put(&mut text[14..16], second / 60 % 60);
        put(&mut text[17..19], second % 60);
        put(&mut text[20..29], nanos.into());
        Self(text)
    }
}

fn put(digits: &mut [u8], mut value: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of a day since 1970-01-01, after Howard Hinnant's `civil_from_days`.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::Stamp;

    proptest! {
        #[test]
        fn a_stamp_reads_back_as_the_same_moment(seconds in 0_u64..4_102_444_800, nanos in 0_u32..1_000_000_000) {
            let stamp = Stamp::new(seconds, nanos);
            let read: Timestamp = std::str::from_utf8(&stamp.0).expect("text").parse().expect("a time");
            prop_assert_eq!(read.as_second(), i64::try_from(seconds).expect("fits"));
            prop_assert_eq!(read.subsec_nanosecond(), i32::try_from(nanos).expect("fits"));
        }
    }
}
