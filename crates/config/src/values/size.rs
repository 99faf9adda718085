//! Sizes in bytes: `512M`, `1.5G`.

use crate::reader::Problem;

/// A size in bytes. Units are those of Compose: each 1024 times the one before.
pub(crate) fn size(text: &str) -> Result<u64, Problem> {
    let trimmed = text.trim();
    let number_end = trimmed
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(number_end);
    let Ok(number) = number.parse::<f64>() else {
        return Err(invalid(text).fix("write a number and a unit: \"512M\""));
    };
    let exponent = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "" => {
            return Err(invalid(text)
                .label("the unit is missing")
                .fix(format!("write a unit: \"{trimmed}M\"")));
        }
        unit => {
            return Err(invalid(text)
                .label(format!("unknown unit `{unit}`"))
                .fix("the units are B, K, M, G and T"));
        }
    };
    let bytes = number * 1024f64.powi(exponent);
    if !(1.0..=1e18).contains(&bytes) {
        return Err(invalid(text).label("out of range"));
    }
    Ok(bytes as u64)
}

fn invalid(text: &str) -> Problem {
    Problem::new("invalid-size", format!("{text:?} is not a size")).label("not a size")
}
