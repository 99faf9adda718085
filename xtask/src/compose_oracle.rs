//! `cargo xtask compose-oracle`: other people's Compose files, as `landfall config` and as Docker
//! Compose itself resolve them, side by side.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::difference::difference;
use crate::run::{bins, cargo, must};
use crate::setup;

/// Compares, and prints a line for every file; true when none differs.
///
/// # Errors
/// When one of the two programs cannot be had or run.
pub fn run(dirs: &[&str]) -> Result<bool> {
    let oracle = setup::compose_oracle()?;
    if dirs.is_empty() {
        eprintln!("{}", oracle.display());
        return Ok(true);
    }
    must(cargo(&[
        "build",
        "--quiet",
        "--locked",
        "--package=landfall",
    ]))?;
    let programs = Programs {
        oracle,
        landfall: bins()?.join("landfall"),
    };
    let (mut equal, mut refused, mut differs) = (0, 0, 0);
    for dir in dirs {
        for file in compose_files(Path::new(dir))? {
            let word = match programs.compare(&file)? {
                Outcome::Equal => {
                    equal += 1;
                    "equal".to_owned()
                }
                Outcome::RefusedByBoth { theirs, ours } => {
                    refused += 1;
                    format!("refused by both\n    there: {theirs}\n    here:  {ours}")
                }
                Outcome::Differs(how) => {
                    differs += 1;
                    format!("DIFFERS\n    {how}")
                }
            };
            eprintln!("{}: {word}", file.display());
        }
    }
    eprintln!("\n{equal} equal, {refused} refused by both, {differs} differ");
    Ok(differs == 0)
}

struct Programs {
    oracle: PathBuf,
    landfall: PathBuf,
}

enum Outcome {
    Equal,
    RefusedByBoth { theirs: String, ours: String },
    Differs(String),
}

impl Programs {
    fn compare(&self, file: &Path) -> Result<Outcome> {
        let theirs = answer(&self.oracle, file, &["config", "--format", "json"], &["-f"])?;
        let ours = answer(&self.landfall, file, &["config", "--json", "-f"], &[])?;
        Ok(match (theirs, ours) {
            (Ok(theirs), Ok(ours)) => match difference("", &theirs, &ours) {
                None => Outcome::Equal,
                Some(how) => Outcome::Differs(how),
            },
            (Err(theirs), Err(ours)) => Outcome::RefusedByBoth { theirs, ours },
            (Ok(_), Err(ours)) => Outcome::Differs(format!("refused here only: {ours}")),
            (Err(theirs), Ok(_)) => Outcome::Differs(format!("refused there only: {theirs}")),
        })
    }
}

/// What a program says about a file, from its directory and in an empty environment; the last
/// line of its complaint where it refuses. The file comes after the words before it.
fn answer(
    program: &Path,
    file: &Path,
    words: &[&str],
    before: &[&str],
) -> Result<std::result::Result<Value, String>> {
    let name = file.file_name().context("a file without a name")?;
    let directory = file.parent().context("a file in no directory")?;
    let mut command = Command::new(program);
    match before.is_empty() {
        true => command.args(words).arg(name),
        false => command.args(before).arg(name).args(words),
    };
    let output = command
        .current_dir(directory)
        .env_clear()
        .env("HOME", std::env::temp_dir())
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to start {}", program.display()))?;
    if output.status.success() {
        let json = serde_json::from_slice(&output.stdout);
        return Ok(Ok(json.with_context(|| {
            format!("{} printed no JSON", program.display())
        })?));
    }
    if output.status.code().is_none() {
        bail!(
            "{} ended with {} on {}",
            program.display(),
            output.status,
            file.display()
        );
    }
    let error: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let first = error.and_then(|json| {
        let diagnostic = json["error"]["diagnostics"][0]["message"].as_str()?;
        Some(diagnostic.to_owned())
    });
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.trim().lines().next_back().unwrap_or_default();
    Ok(Err(first.unwrap_or_else(|| last.to_owned())))
}

/// YAML files that are named as Compose files are, or say what only those say.
fn compose_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let dir = std::path::absolute(dir)?;
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(&dir).sort_by_file_name() {
        let path = entry
            .with_context(|| format!("failed to walk {}", dir.display()))?
            .into_path();
        let ends = |end: &str| path.extension().is_some_and(|extension| extension == end);
        let hidden = path.components().any(|part| part.as_os_str() == ".git");
        if hidden || !path.is_file() || !(ends("yml") || ends("yaml")) {
            continue;
        }
        let named = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains("compose"));
        let text = std::fs::read(&path)?;
        let text = String::from_utf8_lossy(&text);
        let says = |line: &str| line.starts_with("services:") || line.starts_with("include:");
        if named || text.lines().any(says) {
            files.push(path);
        }
    }
    Ok(files)
}
