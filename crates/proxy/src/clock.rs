//! Points in time as HTTP and the access log write them, without a time zone database.

use std::io::Write;
use std::time::SystemTime;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A point in time, in UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timestamp {
    seconds: u64,
    millis: u32,
}

impl Timestamp {
    /// Of this moment.
    pub(crate) fn now() -> Self {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self {
            seconds: since.as_secs(),
            millis: since.subsec_millis(),
        }
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(&self) -> u64 {
        self.seconds
    }

    /// Appends `2026-11-20T19:20:59.123Z`.
    pub(crate) fn write_rfc3339(&self, out: &mut Vec<u8>) {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time();
        let _ = write!(
            out,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            self.millis
        );
    }

    /// `Fri, 20 Nov 2026 19:20:59 GMT`.
    pub(crate) fn to_http_date(self) -> String {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time();
        let weekday = DAYS[(self.seconds / 86_400 % 7) as usize];
        let month = MONTHS[month as usize - 1];
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }

    fn time(&self) -> (u64, u64, u64) {
        let of_day = self.seconds % 86_400;
        (of_day / 3_600, of_day / 60 % 60, of_day % 60)
    }

    /// Year, month and day of the Gregorian calendar, counted in eras of 400 years that start on
    /// the first of March, so that leap days come last.
    fn date(&self) -> (u64, u64, u64) {
        let days = self.seconds / 86_400 + 719_468;
        let era = days / 146_097;
        let of_era = days % 146_097;
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        (year, month, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, http, rfc3339) in [
            (
                0,
                "Thu, 01 Jan 1970 00:00:00 GMT",
                "1970-01-01T00:00:00.007Z",
            ),
            (
                951_782_400,
                "Tue, 29 Feb 2000 00:00:00 GMT",
                "2000-02-29T00:00:00.007Z",
            ),
            (
                1_795_202_459,
                "Fri, 20 Nov 2026 19:20:59 GMT",
                "2026-11-20T19:20:59.007Z",
            ),
            (
                4_107_542_399,
                "Sun, 28 Feb 2100 23:59:59 GMT",
                "2100-02-28T23:59:59.007Z",
            ),
        ] {
            let time = Timestamp { seconds, millis: 7 };
            let mut out = Vec::new();
            time.write_rfc3339(&mut out);
            assert_eq!(time.to_http_date(), http);
            assert_eq!(String::from_utf8_lossy(&out), rfc3339);
        }
    }
}
