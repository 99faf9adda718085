//! Known causes by what a process writes when it meets them.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

static CATALOGUE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("catalogue.toml")).expect("checked by a test");
    file.cause.into_iter().map(Entry::from).collect()
});

#[derive(Deserialize)]
struct File {
    cause: Vec<Raw>,
}

/// An entry as it is written. `summary` and `fix` may refer to groups of the pattern: `$1`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    pattern: String,
    summary: String,
    fix: String,
}

struct Entry {
    pattern: Regex,
    summary: String,
    fix: String,
}

impl From<Raw> for Entry {
    fn from(raw: Raw) -> Self {
        let pattern = Regex::new(&raw.pattern).expect("checked by a test");
        Self {
            pattern,
            summary: raw.summary,
            fix: raw.fix,
        }
    }
}

/// A known cause, found in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is, completing "web exited: …".
    pub summary: String,
    /// What to do.
    pub fix: String,
    /// The line that shows it.
    pub line: String,
}

/// The first known cause in these lines, by the order of the catalogue.
pub fn find(lines: &[String]) -> Option<Finding> {
    CATALOGUE.iter().find_map(|entry| {
        lines.iter().find_map(|line| {
            let captures = entry.pattern.captures(line)?;
            let expand = |template: &str| {
                let mut text = String::new();
                captures.expand(template, &mut text);
                text
            };
            let (summary, fix) = (expand(&entry.summary), expand(&entry.fix));
            Some(Finding {
                summary,
                fix,
                line: line.clone(),
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f3_common_failures_are_recognised_and_answered_with_the_fix() {
        let cases = [
            (
                "Error: listen EADDRINUSE: address already in use 0.0.0.0:3000",
                "3000",
            ),
            ("Error: Cannot find module 'express'", "express"),
            ("ModuleNotFoundError: No module named 'fastapi'", "fastapi"),
            ("missing environment variable DATABASE_URL", "DATABASE_URL"),
            (
                "TypeError: Missing parameter name at 1: https://git.new/pathToRegexpError",
                "route",
            ),
            ("getaddrinfo ENOTFOUND postgres", "postgres"),
            ("WRONGPASS invalid username-password pair", "password"),
            (
                "FATAL:  password authentication failed for user \"shop\"",
                "password",
            ),
            ("connect ECONNREFUSED 127.0.0.1:5432", "127.0.0.1:5432"),
            (
                "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
                "heap",
            ),
        ];
        for (line, expected) in cases {
            let finding =
                find(&["starting".into(), line.into()]).unwrap_or_else(|| panic!("{line}"));
            assert!(finding.summary.contains(expected), "{line}: {finding:?}");
            assert!(!finding.fix.is_empty());
        }
        assert_eq!(find(&["all is well".into()]), None);
    }
}
