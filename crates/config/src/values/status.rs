//! HTTP statuses: `200`, `2xx`, `200-299`.

use landfall_model::spec::StatusRange;

use crate::reader::Problem;

/// What is accepted when nothing is said: success, and redirects.
pub(crate) const DEFAULT_STATUS: StatusRange = StatusRange { from: 200, to: 399 };

/// Statuses as text.
pub(crate) fn status(text: &str) -> Result<StatusRange, Problem> {
    let number = |text: &str| {
        let number: u16 = text.trim().parse().ok()?;
        (100..=599).contains(&number).then_some(number)
    };
    let lower = text.trim().to_ascii_lowercase();
    let range = if let Some(class) = lower.strip_suffix("xx") {
        number(&format!("{class}00")).map(|from| StatusRange {
            from,
            to: from + 99,
        })
    } else if let Some((from, to)) = lower.split_once('-') {
        number(from)
            .zip(number(to))
            .map(|(from, to)| StatusRange { from, to })
    } else {
        number(&lower).map(|status| StatusRange {
            from: status,
            to: status,
        })
    };
    match range {
        Some(range) if range.from <= range.to => Ok(range),
        _ => Err(invalid(text)),
    }
}

/// A status as a number.
pub(crate) fn status_number(number: u64) -> Result<StatusRange, Problem> {
    status(&number.to_string())
}

fn invalid(text: &str) -> Problem {
    Problem::new("invalid-status", format!("{text:?} is not an HTTP status"))
        .label("not a status")
        .fix("write 200, \"2xx\", \"200-299\", or an array of them")
}
