//! Numbers as people say them.

use std::time::Duration;

use jiff::Timestamp;

/// How long ago `then` was: `just now`, `3 min ago`, `2 days ago`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second());
    if seconds < 5 {
        return "just now".into();
    }
    format!(
        "{} ago",
        coarse(Duration::from_secs(seconds.unsigned_abs()))
    )
}

/// A length of time in one unit: `40 s`, `3 min`, `5 h`, `2 days`.
pub fn coarse(length: Duration) -> String {
    let seconds = length.as_secs();
    let days = |n: u64| {
        if n == 1 {
            "1 day".into()
        } else {
            format!("{n} days")
        }
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        86_400..5_184_000 => days(seconds / 86_400),
        _ => format!("{} months", seconds / 2_592_000),
    }
}

/// A length of time that was measured: `8 ms`, `1.4 s`, `2 min 5 s`.
pub fn took(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// Bytes: `512 B`, `4.2 kB`, `31 MB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    match unit > 0 && value < 9.95 {
        true => format!("{value:.1} {}", UNITS[unit]),
        false => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// A number with its noun: `1 file`, `12 files`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// A number with its thousands apart: `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_one_unit() {
        let now = Timestamp::from_second(10_000_000).unwrap();
        let ago = |seconds: i64| ago(Timestamp::from_second(10_000_000 - seconds).unwrap(), now);
        assert_eq!(ago(-3), "just now");
        assert_eq!(ago(4), "just now");
        assert_eq!(ago(59), "59 s ago");
        assert_eq!(ago(200), "3 min ago");
        assert_eq!(ago(86_400), "1 day ago");
        assert_eq!(ago(8_000_000), "3 months ago");
    }

    #[test]
    fn numbers_are_told_as_people_say_them() {
        assert_eq!(took(999), "999 ms");
        assert_eq!(took(1_450), "1.4 s");
        assert_eq!(took(125_000), "2 min 5 s");
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(4_210), "4.2 kB");
        assert_eq!(bytes(31_400_000), "31 MB");
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(12_345, "file"), "12,345 files");
        assert_eq!(thousands(100), "100");
    }
}
