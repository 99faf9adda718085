//! Durations: `30s`, `1m30s`, `250ms`.

use std::time::Duration;

use crate::reader::Problem;

/// A year. Longer is a mistake, and this stays far from every overflow.
const LONGEST_SECONDS: f64 = 366.0 * 24.0 * 3600.0;

const UNITS: &[(&str, f64)] = &[
    ("ms", 0.001),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
    ("d", 86400.0),
];

/// A duration, to the millisecond.
pub(crate) fn duration(text: &str) -> Result<Duration, Problem> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(invalid(text).fix("write a number and a unit: \"30s\""));
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let after = after.trim_start();
        let unit_end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let Ok(number) = number.parse::<f64>() else {
            return Err(invalid(text).fix("write a number and a unit: \"30s\""));
        };
        let Some((_, scale)) = UNITS.iter().find(|(known, _)| *known == unit) else {
            return Err(unknown_unit(text, unit));
        };
        seconds += number * scale;
        rest = after.trim_start();
    }
    if seconds > LONGEST_SECONDS {
        return Err(invalid(text)
            .label("longer than a year")
            .fix("write a year at most"));
    }
    let millis = Duration::from_secs_f64(seconds).as_secs_f64() * 1000.0;
    Ok(Duration::from_millis(millis.round() as u64))
}

fn invalid(text: &str) -> Problem {
    Problem::new("invalid-duration", format!("{text:?} is not a duration")).label("not a duration")
}

fn unknown_unit(text: &str, unit: &str) -> Problem {
    if unit.is_empty() {
        let number = text.trim();
        let fix = if number.contains(|c: char| c.is_ascii_alphabetic()) {
            "write a unit after every number: \"1m30s\"".to_owned()
        } else {
            format!("write a unit: \"{number}s\"")
        };
        return invalid(text).label("the unit is missing").fix(fix);
    }
    invalid(text)
        .label(format!("unknown unit `{unit}`"))
        .fix("the units are ms, s, m, h and d")
}
