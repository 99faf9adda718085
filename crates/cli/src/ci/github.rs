//! The places of GitHub Actions.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

/// A step of a job of GitHub Actions.
#[derive(Debug, Clone)]
pub(super) struct GitHub {
    /// The file that takes the step's summary.
    summary: Option<PathBuf>,
    /// The file that takes the step's outputs.
    output: Option<PathBuf>,
}

impl GitHub {
    /// The step that the variables tell of; `None` where there is none.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        if !is_there(&variable) {
            return None;
        }
        let file = |name| {
            let named = variable(name).filter(|path| !path.is_empty());
            named.map(PathBuf::from)
        };
        Some(Self {
            summary: file("GITHUB_STEP_SUMMARY"),
            output: file("GITHUB_OUTPUT"),
        })
    }

    /// Adds Markdown to the summary.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append_summary(&self, markdown: &str) -> io::Result<()> {
        append(self.summary.as_ref(), markdown)
    }

    /// Sets outputs. Values have no line breaks: what is after one would set another.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append_outputs(&self, outputs: &[(&str, String)]) -> io::Result<()> {
        let lines = outputs.iter().map(|(name, value)| {
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            format!("{name}={value}\n")
        });
        append(self.output.as_ref(), &lines.collect::<String>())
    }
}

fn is_there(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

fn append(path: Option<&PathBuf>, text: &str) -> io::Result<()> {
    let Some(path) = path else {
        return Ok(());
    };
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Who started the job of GitHub Actions that the variables tell of, and by which run:
/// `ada@github (acme/shop run 42)`. `None` elsewhere.
pub fn asked_by(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    if !is_there(&variable) {
        return None;
    }
    let actor = variable("GITHUB_ACTOR")?;
    let repository = variable("GITHUB_REPOSITORY").unwrap_or_default();
    let run = variable("GITHUB_RUN_NUMBER").unwrap_or_default();
    let by = format!("{actor}@github ({repository} run {run})");
    // It is shown to people, in tables.
    Some(crate::printer::plain(&by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g5_a_deployment_names_who_started_the_job_and_its_run() {
        let given = |name: &str| match name {
            "GITHUB_ACTIONS" => Some("true".to_owned()),
            "GITHUB_ACTOR" => Some("ada".to_owned()),
            "GITHUB_REPOSITORY" => Some("acme/shop".to_owned()),
            "GITHUB_RUN_NUMBER" => Some("42".to_owned()),
            _ => None,
        };
        let by = asked_by(given);
        assert_eq!(by.as_deref(), Some("ada@github (acme/shop run 42)"));
        assert_eq!(asked_by(|_| None), None);
    }

    #[test]
    fn g5_an_output_sets_no_other_one() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("output");
        let github = GitHub {
            summary: None,
            output: Some(file.clone()),
        };
        let outputs = [
            ("release", "3".to_owned()),
            ("url", "a\noutcome=b".to_owned()),
        ];
        github.append_outputs(&outputs).unwrap();
        let written = std::fs::read_to_string(file).unwrap();
        assert_eq!(written, "release=3\nurl=aoutcome=b\n");
    }
}
