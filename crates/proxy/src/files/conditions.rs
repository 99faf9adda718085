//! If-None-Match, If-Range, Range and Accept-Encoding.

/// Whether a copy the client has is the current one. Weak comparison, as RFC 9110 asks for.
pub(super) fn matches_etag(if_none_match: &[u8], etag: &str) -> bool {
    let value = if_none_match.trim_ascii();
    value == b"*"
        || value.split(|&byte| byte == b',').any(|candidate| {
            let candidate = candidate.trim_ascii();
            candidate.strip_prefix(b"W/").unwrap_or(candidate) == etag.as_bytes()
        })
}

/// Which bytes of a file are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RangeAsked {
    /// All of them; also when the header is malformed or asks for several ranges.
    Whole,
    /// From the first to before the second.
    Part(u64, u64),
    /// None that exist.
    Unsatisfiable,
}

/// Reads a Range header for a file of `length` bytes.
pub(super) fn parse_range(range: &[u8], length: u64) -> RangeAsked {
    let parsed = std::str::from_utf8(range)
        .ok()
        .and_then(|range| range.trim().strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'));
    let Some((first, last)) = parsed else {
        return RangeAsked::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => RangeAsked::Whole,
        (Some(first), _) if first >= length && (last.is_empty() || number(last).is_some()) => {
            RangeAsked::Unsatisfiable
        }
        (Some(first), Some(last)) => RangeAsked::Part(first, last.saturating_add(1).min(length)),
        (Some(first), None) if last.is_empty() => RangeAsked::Part(first, length),
        (None, Some(0)) if first.is_empty() => RangeAsked::Unsatisfiable,
        (None, Some(_)) if first.is_empty() && length == 0 => RangeAsked::Unsatisfiable,
        (None, Some(tail)) if first.is_empty() => {
            RangeAsked::Part(length.saturating_sub(tail), length)
        }
        _ => RangeAsked::Whole,
    }
}

/// Whether an encoding is accepted: named, and not with a quality of zero.
pub(super) fn accepts_encoding(accept_encoding: &[u8], encoding: &str) -> bool {
    accept_encoding.split(|&byte| byte == b',').any(|element| {
        let mut parts = element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let is_named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(encoding.as_bytes()));
        is_named && !parts.any(is_zero_quality)
    })
}

fn is_zero_quality(parameter: &[u8]) -> bool {
    matches!(parameter, [b'q' | b'Q', b'=', b'0', rest @ ..]
        if rest.iter().all(|byte| matches!(byte, b'.' | b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_has_them() {
        for (range, expected) in [
            ("bytes=0-0", RangeAsked::Part(0, 1)),
            ("bytes=0-", RangeAsked::Part(0, 10)),
            ("bytes=5-100", RangeAsked::Part(5, 10)),
            ("bytes=-3", RangeAsked::Part(7, 10)),
            ("bytes=-30", RangeAsked::Part(0, 10)),
            ("bytes=-0", RangeAsked::Unsatisfiable),
            ("bytes=10-", RangeAsked::Unsatisfiable),
            ("bytes=99999999999999999999999-", RangeAsked::Unsatisfiable),
            ("bytes=5-2", RangeAsked::Whole),
            ("bytes=0-1,3-4", RangeAsked::Whole),
            ("bytes=a-b", RangeAsked::Whole),
            ("items=0-1", RangeAsked::Whole),
            ("bytes=-", RangeAsked::Whole),
        ] {
            assert_eq!(parse_range(range.as_bytes(), 10), expected, "{range}");
        }
        assert_eq!(parse_range(b"bytes=-5", 0), RangeAsked::Unsatisfiable);
    }

    #[test]
    fn an_encoding_of_quality_zero_is_refused() {
        assert!(accepts_encoding(b"gzip, br;q=0.5", "br"));
        assert!(!accepts_encoding(b"gzip, br;q=0", "br"));
        assert!(!accepts_encoding(b"gzip;q=0.000", "gzip"));
        assert!(!accepts_encoding(b"", "gzip"));
    }
}
