//! `.dockerignore`: what of a context BuildKit is not to see.
//!
//! The rules are Docker's, which are not those of `.gitignore`: every pattern starts at the root of
//! the context, the last pattern that matches a path or a directory above it decides, and `!` takes
//! back what patterns before it excluded.

use regex::Regex;

/// The patterns of an ignore file.
#[derive(Debug, Clone, Default)]
pub(super) struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    /// Whether it takes back instead of excluding.
    is_exception: bool,
    matcher: Regex,
    /// What paths that match begin with.
    literal: String,
}

/// For each pattern of an [`Ignore`], whether it matches a directory or one above it.
#[derive(Debug, Clone, Default)]
pub(super) struct Matched(Vec<bool>);

impl Ignore {
    /// Reads an ignore file.
    ///
    /// # Errors
    /// The pattern that cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let patterns = lines.map(str::trim).filter(|line| !line.is_empty());
        Ok(Self {
            patterns: patterns.map(Pattern::parse).collect::<Result<_, _>>()?,
        })
    }

    /// Whether `path` is excluded, and what the same question about what is in it needs. `above` is
    /// the answer about the directory that it is in.
    pub fn excludes(&self, path: &str, above: &Matched) -> (bool, Matched) {
        let inherited = above.0.iter().copied().chain(std::iter::repeat(false));
        let matched: Vec<bool> = self
            .patterns
            .iter()
            .zip(inherited)
            .map(|(pattern, inherited)| inherited || pattern.matcher.is_match(path))
            .collect();
        let last = self.patterns.iter().zip(&matched).rfind(|(_, is)| **is);
        let excluded = last.is_some_and(|(pattern, _)| !pattern.is_exception);
        (excluded, Matched(matched))
    }

    /// Whether `path` is excluded, asked without the directories above it.
    pub fn excludes_alone(&self, path: &str) -> bool {
        let mut answer = (false, Matched::default());
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            answer = self.excludes(&path[..end], &answer.1);
        }
        answer.0
    }

    /// Whether it excludes nothing.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether it takes back what other patterns exclude.
    pub fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.is_exception)
    }

    /// Whether something in an excluded directory may have been taken back.
    pub fn may_take_back_in(&self, directory: &str) -> bool {
        let below = format!("{directory}/");
        self.patterns
            .iter()
            .filter(|pattern| pattern.is_exception)
            .any(|pattern| {
                below.starts_with(&pattern.literal) || pattern.literal.starts_with(&below)
            })
    }
}

impl Pattern {
    fn parse(line: &str) -> Result<Self, String> {
        let (is_exception, rest) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        let path = clean(rest);
        let refused = |_| line.to_owned();
        if rest.is_empty() {
            return Err(line.to_owned());
        }
        let matcher = matcher(&path).map_err(refused)?;
        let literal = path.split(['*', '?', '[', '\\']).next().unwrap_or_default();
        Ok(Self {
            is_exception,
            matcher,
            literal: literal.to_owned(),
        })
    }
}

/// What matches the paths that a clean pattern means.
///
/// # Errors
/// When it means none.
pub(super) fn matcher(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&regex_of(pattern))
}

/// The path without `.`, `..` and doubled slashes where that is possible, relative to the context.
pub(super) fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// `*` and `?` stay within a name, `**` does not, `[…]` is a choice of characters.
fn regex_of(pattern: &str) -> String {
    let mut regex = r"(?s)\A".to_owned();
    let mut rest = pattern.chars().peekable();
    let mut is_first = true;
    while let Some(char) = rest.next() {
        match char {
            '*' if rest.next_if_eq(&'*').is_some() => {
                let slash = rest.next_if_eq(&'/').is_some();
                let is_last = rest.peek().is_none();
                // A `**` that a name goes on after is anything where it is first.
                let anything = is_last || (is_first && !slash);
                regex.push_str(if anything { ".*" } else { "(.*/)?" });
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' => push_class(&mut regex, &mut rest),
            '\\' => push_literal(&mut regex, rest.next().unwrap_or('\\')),
            char => push_literal(&mut regex, char),
        }
        is_first = false;
    }
    regex.push_str(r"\z");
    regex
}

/// The characters up to the `]`. Without one the expression is refused, as Docker refuses it.
fn push_class(regex: &mut String, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    regex.push('[');
    if rest.next_if_eq(&'^').is_some() {
        regex.push('^');
    }
    while let Some(char) = rest.next() {
        match char {
            ']' => return regex.push(']'),
            '-' => regex.push('-'),
            '\\' => push_literal(regex, rest.next().unwrap_or('\\')),
            char => push_literal(regex, char),
        }
    }
}

fn push_literal(regex: &mut String, char: char) {
    regex.push_str(&regex::escape(char.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of an ignore file, what they exclude, and what they do not.
    const CASES: &[(&str, &[&str], &[&str])] = &[
        ("", &[], &["a", "a/b"]),
        ("# comment", &[], &["# comment", "comment"]),
        (" # no comment", &["# no comment"], &["a"]),
        (".", &[], &["a", "a/b"]),
        ("/", &[], &["a", "a/b"]),
        ("*", &["a", "a/b", ".git"], &[]),
        ("foo", &["foo", "foo/bar/baz"], &["foobar", "a/foo", "fo"]),
        ("/foo/bar/", &["foo/bar", "foo/bar/x"], &["foo", "foo/b"]),
        ("./foo//bar/../baz", &["foo/baz"], &["foo/bar"]),
        (
            "*/temp*",
            &["a/temporary.txt", "a/temp/x"],
            &["temp", "a/b/temp"],
        ),
        ("*/*/temp*", &["a/b/temporary.txt"], &["a/temp", "temp"]),
        ("temp?", &["tempa", "tempb"], &["temp", "temp/"]),
        ("**/*.go", &["a.go", "x/a.go", "x/y/a.go"], &["a.gox", "go"]),
        ("**.go", &["a.go", "x/y/a.go"], &["a.gox"]),
        (
            "**/node_modules",
            &["node_modules/a", "x/node_modules/b"],
            &["xnode_modules"],
        ),
        ("a/**", &["a/b", "a/b/c"], &["b/a"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["ab", "b"]),
        ("*.md\n!README.md", &["a.md"], &["README.md", "x/a.md"]),
        (
            "*.md\n!README*.md\nREADME-secret.md",
            &["README-secret.md", "a.md"],
            &["README.md"],
        ),
        (
            "*.md\nREADME-secret.md\n!README*.md",
            &["a.md"],
            &["README-secret.md"],
        ),
        (
            "docs\n!docs/keep",
            &["docs/a", "docs"],
            &["docs/keep", "docs/keep/x"],
        ),
        ("*\n!src", &["a", "b/c"], &["src", "src/a/b"]),
        ("[a-c].txt", &["a.txt", "c.txt"], &["d.txt", "-.txt"]),
        ("[^a-c].txt", &["d.txt"], &["a.txt"]),
        (r"a\*b", &["a*b"], &["axb"]),
        ("a.b+c(d)$", &["a.b+c(d)$"], &["axb+c(d)$", "a.bbc(d)"]),
        ("\u{feff}foo\r\nbar", &["foo", "bar"], &["baz"]),
        ("../foo", &[], &["foo"]),
    ];

    #[test]
    fn patterns_mean_what_docker_documents() {
        for (text, excluded, left) in CASES {
            let ignore = Ignore::parse(text).expect(text);
            for path in *excluded {
                assert!(ignore.excludes_alone(path), "{text:?} leaves {path}");
            }
            for path in *left {
                assert!(!ignore.excludes_alone(path), "{text:?} excludes {path}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for pattern in ["[a", "!", "a/[z-a]"] {
            let refused = Ignore::parse(&format!("fine\n{pattern}\n"));
            assert_eq!(refused.expect_err(pattern), pattern);
        }
    }

    #[test]
    fn a_directory_is_looked_into_where_something_in_it_may_be_taken_back() {
        let ignore = Ignore::parse("*\n!src/web/public\n!assets/*.png").unwrap();
        for directory in ["src", "src/web", "src/web/public", "assets"] {
            assert!(ignore.may_take_back_in(directory), "{directory}");
        }
        for directory in ["lib", "srcs", "src/api"] {
            assert!(!ignore.may_take_back_in(directory), "{directory}");
        }
        assert!(Ignore::parse("*\n!**/keep").unwrap().may_take_back_in("x"));
    }
}
