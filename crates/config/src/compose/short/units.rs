//! Sizes and durations, as they are written and as Compose prints them.

/// Bytes of a size like `512m` or `1.5GiB`.
pub(crate) fn bytes(text: &str) -> Option<i64> {
    let last = text.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ')?;
    let number = text[..=last].strip_suffix(' ').unwrap_or(&text[..=last]);
    let unit = text[last + 1..].to_ascii_lowercase();
    let digits = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if !number.bytes().all(digits) {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    let power = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return None,
    };
    Some((number * 1024_f64.powi(power)) as i64)
}

const NANOS: &[(&str, i64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

/// Nanoseconds of a duration like `1m30s`.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_i64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let (_, nanos) = NANOS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(part(number, *nanos)?)?;
        rest = after;
    }
    Some(if negative { -total } else { total })
}

/// A number with a fraction, times a unit, without losing digits.
fn part(number: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: i64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let fraction = match fraction {
        "" => 0,
        digits => (format!("0.{digits}").parse::<f64>().ok()? * unit as f64) as i64,
    };
    whole.checked_mul(unit)?.checked_add(fraction)
}

/// A duration as Compose prints it: `1h0m5.5s`.
pub(crate) fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let all = nanos.unsigned_abs();
    let small = |unit: u64, name: &str| format!("{sign}{}{name}", decimal(all, unit));
    match all {
        0 => "0s".into(),
        1..1_000 => small(1, "ns"),
        1_000..1_000_000 => small(1_000, "µs"),
        1_000_000..1_000_000_000 => small(1_000_000, "ms"),
        _ => {
            let minutes = all / 60_000_000_000;
            let seconds = decimal(all % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// `number / unit`, where the unit is a power of ten, with the digits that are needed.
fn decimal(number: u64, unit: u64) -> String {
    let (whole, fraction) = (number / unit, number % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let fraction = format!("{fraction:0width$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_compose_reads_them() {
        assert_eq!(bytes("50M"), Some(52_428_800));
        assert_eq!(bytes("1.5g"), Some(1_610_612_736));
        assert_eq!(bytes("64 kb"), Some(65_536));
        assert_eq!(bytes("100"), Some(100));
        for wrong in ["", "x", "1x", "-1m", "1bb", "1kibb", "1..5m"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_are_read_and_printed_as_compose_does() {
        for (text, printed) in [
            ("90s", "1m30s"),
            ("1.5h", "1h30m0s"),
            ("1w2d3h", "219h0m0s"),
            ("1500ms", "1.5s"),
            ("250us", "250µs"),
            ("0", "0s"),
            ("-2m", "-2m0s"),
            ("1ms5us", "1.005ms"),
        ] {
            let nanos = nanoseconds(text);
            assert_eq!(nanos.map(duration_text).as_deref(), Some(printed), "{text}");
        }
        for wrong in ["", "5", "s", "1 s", "1x", ".s", "9999999999h"] {
            assert_eq!(nanoseconds(wrong), None, "{wrong}");
        }
    }
}
