//! What a scalar means: the types of YAML as Compose's own reader has them.

use crate::compose::tree::Value;

/// A plain scalar without a tag.
pub(super) fn plain(text: &str) -> Value {
    let first = text.chars().next();
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match first {
        Some('.') => float(text).map_or_else(|| Value::Text(text.into()), Value::Float),
        Some('0'..='9' | '+' | '-') => number(text).unwrap_or_else(|| Value::Text(text.into())),
        _ => Value::Text(text.into()),
    }
}

fn number(text: &str) -> Option<Value> {
    if is_date(text) {
        return Some(Value::Date(text.into()));
    }
    let digits = text.replace('_', "");
    if let Some(int) = integer(&digits) {
        return Some(Value::Int(int));
    }
    float(&digits).map(Value::Float)
}

/// Decimal, `0x`, `0b`, `0o`, and octal after a plain zero, as in the first versions of YAML.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let int = i128::from_str_radix(digits, radix).ok()?;
    let int = if negative { -int } else { int };
    (i128::from(i64::MIN)..=i128::from(u64::MAX))
        .contains(&int)
        .then_some(int)
}

/// Digits with a point or an exponent, and nothing else that a float may be elsewhere.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, Some(exponent)),
        None => (unsigned, None),
    };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let digits_fit = match digits.split_once('.') {
        Some(("", fraction)) => all_digits(fraction),
        Some((whole, fraction)) => {
            all_digits(whole) && (fraction.is_empty() || all_digits(fraction))
        }
        None => all_digits(digits),
    };
    let exponent_fits =
        exponent.is_none_or(|e| all_digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
    (digits_fit && exponent_fits).then(|| text.parse().ok())?
}

/// Whether it is a date (`2020-1-31`), with or without a time.
fn is_date(text: &str) -> bool {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else {
        return false;
    };
    let within = |text: &str, most: u32| {
        (1..=2).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_digit())
            && text.parse().is_ok_and(|n: u32| (1..=most).contains(&n))
    };
    let year_fits = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
    year_fits && within(month, 12) && within(day, 31) && time.is_none_or(is_time)
}

fn is_time(text: &str) -> bool {
    let zone = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let parts: Vec<&str> = text[..zone].split(':').collect();
    let digits =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    parts.len() == 3 && parts.iter().all(|part| digits(part))
}

/// A scalar with a tag of YAML's own, like `!!str`; `None` where the text is none of that type.
pub(super) fn tagged(kind: &str, text: &str) -> Option<Value> {
    match (kind, plain(text)) {
        ("str", _) => Some(Value::Text(text.into())),
        ("float", Value::Int(int)) => Some(Value::Float(int as f64)),
        ("int", value @ Value::Int(_))
        | ("float", value @ Value::Float(_))
        | ("bool", value @ Value::Bool(_))
        | ("null", value @ Value::Null)
        | ("timestamp", value @ Value::Date(_)) => Some(value),
        ("int" | "float" | "bool" | "null" | "timestamp", _) => None,
        ("binary", _) => base64(text).map(Value::Text),
        _ => Some(Value::Text(text.into())),
    }
}

fn base64(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text
        .bytes()
        .filter(|b| !b.is_ascii_whitespace() && *b != b'=')
    {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_compose_takes_them_for() {
        let shown = |text: &str| format!("{:?}", plain(text));
        for (text, value) in [
            ("0440", "Int(288)"),
            ("0o17", "Int(15)"),
            ("0x1F", "Int(31)"),
            ("-0b11", "Int(-3)"),
            ("1_000", "Int(1000)"),
            ("08", "Float(8.0)"),
            ("1.5e3", "Float(1500.0)"),
            (".5", "Float(0.5)"),
            ("1e3", "Float(1000.0)"),
            ("yes", "Text(\"yes\")"),
            ("22:22", "Text(\"22:22\")"),
            ("1.2.3", "Text(\"1.2.3\")"),
            ("-", "Text(\"-\")"),
            ("", "Null"),
            ("~", "Null"),
            ("TRUE", "Bool(true)"),
            ("2020-1-31", "Date(\"2020-1-31\")"),
            ("2020-13-31", "Text(\"2020-13-31\")"),
            ("18446744073709551615", "Int(18446744073709551615)"),
        ] {
            assert_eq!(shown(text), value, "{text}");
        }
    }

    #[test]
    fn a_tag_holds_or_is_refused() {
        assert!(matches!(tagged("str", "5"), Some(Value::Text(text)) if text == "5"));
        assert!(matches!(tagged("float", "5"), Some(Value::Float(_))));
        assert!(tagged("int", "x").is_none());
        assert!(matches!(tagged("binary", "aGVsbG8="), Some(Value::Text(text)) if text == "hello"));
    }
}
