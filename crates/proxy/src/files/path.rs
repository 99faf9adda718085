//! From the path of a request to the path of a file.

/// Longest path of a file, as Linux has it.
const MAX_PATH: usize = 4096;

/// A path relative to the root: segments that are neither empty, `.`, `..` nor hidden. Ends with `/` when
/// a directory was asked for; empty for the root.
pub(super) fn file_path(path_and_query: &[u8]) -> Option<String> {
    let path = match memchr::memchr(b'?', path_and_query) {
        Some(query) => &path_and_query[..query],
        None => path_and_query,
    };
    let decoded = decode(path)?;
    let is_directory = decoded.is_empty() || decoded.ends_with('/');
    let mut segments = Vec::new();
    for segment in decoded.split('/').filter(|segment| !segment.is_empty()) {
        let is_hidden = segment.starts_with('.') && segment != ".well-known";
        if is_hidden || segment.contains(['\0', '\\']) {
            return None;
        }
        segments.push(segment);
    }
    let mut file = segments.join("/");
    if is_directory && !file.is_empty() {
        file.push('/');
    }
    (file.len() < MAX_PATH).then_some(file)
}

/// Decodes percent signs. `None` when one is malformed, hides a slash, or the result is not UTF-8.
fn decode(path: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let high = char::from(*rest.next()?).to_digit(16)?;
        let low = char::from(*rest.next()?).to_digit(16)?;
        let byte = (high << 4 | low) as u8;
        if byte == b'/' {
            return None;
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

/// Whether a path looks like a page, not like an asset: its last segment has no extension.
pub(super) fn is_page(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    !last.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_whatever_they_say() {
        for hostile in [
            "/../etc/passwd",
            "/a/../../etc/passwd",
            "/%2e%2e/etc/passwd",
            "/%2E%2e%2fetc/passwd",
            "/a%2fb",
            "/a/..%5c..",
            "/.git/config",
            "/.env",
            "/a\0b",
            "/a%00b",
            "/%",
            "/%f",
            "/%zz",
            "/%ff",
        ] {
            assert_eq!(file_path(hostile.as_bytes()), None, "{hostile}");
        }
    }

    #[test]
    fn ordinary_paths_are_found() {
        for (asked, file) in [
            ("/", ""),
            ("", ""),
            ("//", ""),
            ("/a//b", "a/b"),
            ("/a/", "a/"),
            ("/a.js?x=/../y", "a.js"),
            ("/%C3%A9t%C3%A9", "été"),
            ("/a%20b", "a b"),
            ("/.well-known/x", ".well-known/x"),
        ] {
            assert_eq!(
                file_path(asked.as_bytes()).as_deref(),
                Some(file),
                "{asked}"
            );
        }
    }
}
