//! Workflow commands: lines by which a job tells GitHub Actions something.

use std::fmt::Write;

/// A remark that is shown beside the code and on top of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotation {
    /// Whether it says why a job fails; otherwise it warns.
    pub is_error: bool,
    /// What it is about, in a few words.
    pub title: String,
    /// The file, relative to the root of the repository.
    pub file: Option<String>,
    /// Line and column in it, from 1 on.
    pub place: Option<(u64, u64)>,
    /// What it says.
    pub message: String,
}

impl Annotation {
    /// The line that makes it.
    pub fn command(&self) -> String {
        let mut properties = String::new();
        let mut add = |name: &str, value: &str| {
            let comma = if properties.is_empty() { "" } else { "," };
            let _ = write!(properties, "{comma}{name}={}", property(value));
        };
        if let Some(file) = &self.file {
            add("file", file);
        }
        if let Some((line, column)) = self.place {
            add("line", &line.to_string());
            add("col", &column.to_string());
        }
        add("title", &self.title);
        let name = if self.is_error { "error" } else { "warning" };
        format!("::{name} {properties}::{}", data(&self.message))
    }
}

/// The line that begins a group.
pub(super) fn group(name: &str) -> String {
    format!("::group::{}", data(name))
}

/// Text after `::`, which ends with the line.
fn data(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(super::plain).collect();
    lines.join("\n").replace('%', "%25").replace('\n', "%0A")
}

/// The value of a property, which also ends with a comma or a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g5_nothing_that_an_annotation_says_ends_it_or_begins_another_command() {
        let annotation = Annotation {
            is_error: true,
            title: "a,b: 100%".into(),
            file: Some("apps/x,y/landfall.toml".into()),
            place: Some((3, 7)),
            message: "50% done\n::warning::no\r\n".into(),
        };
        assert_eq!(
            annotation.command(),
            "::error file=apps/x%2Cy/landfall.toml,line=3,col=7,title=a%2Cb%3A 100%25::\
             50%25 done%0A::warning::no"
        );
    }

    #[test]
    fn g5_an_annotation_needs_no_place() {
        let annotation = Annotation {
            title: "old agent".into(),
            message: "restart it".into(),
            ..Annotation::default()
        };
        assert_eq!(
            annotation.command(),
            "::warning title=old agent::restart it"
        );
    }
}
