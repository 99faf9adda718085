//! What git knows of a source tree, asked of the `git` program. No git is no error.

use std::path::Path;
use std::process::{Command, Stdio};

use landfall_model::release::SourceInfo;
use serde::Serialize;

/// Commits listed by name; the rest are counted.
const LISTED: usize = 10;

/// Commits of the branch that a release does not hold.
#[derive(Debug, Clone, Serialize)]
pub struct Undeployed {
    /// How many.
    pub count: u64,
    /// The newest of them: short hash and subject.
    pub commits: Vec<String>,
}

/// Where the source in `dir` comes from.
pub fn source_info(dir: &Path) -> SourceInfo {
    let Some(head) = git(dir, &["log", "-1", "--format=%H%n%an <%ae>%n%s"]) else {
        return SourceInfo::default();
    };
    let mut lines = head.lines().map(str::to_owned);
    let (commit, author, subject) = (lines.next(), lines.next(), lines.next());
    let branch = git(dir, &["symbolic-ref", "--short", "-q", "HEAD"]);
    let changes = git(dir, &["status", "--porcelain", "--untracked-files=normal"]);
    SourceInfo {
        commit,
        branch: branch.map(|name| name.trim().to_owned()),
        author,
        subject,
        dirty: changes.is_some_and(|changes| !changes.trim().is_empty()),
    }
}

/// Commits of `HEAD` that `live` does not have; `None` when git does not know `live` in `dir`.
pub fn undeployed(dir: &Path, live: &str) -> Option<Undeployed> {
    // A commit hash comes from a release and is nothing else, but it becomes an argument.
    if live.is_empty() || !live.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let range = format!("{live}..HEAD");
    let count = git(dir, &["rev-list", "--count", &range])?
        .trim()
        .parse()
        .ok()?;
    let limit = format!("-{LISTED}");
    let commits = git(dir, &["log", "--format=%h %s", &limit, &range])?;
    Some(Undeployed {
        count,
        commits: commits.lines().map(str::to_owned).collect(),
    })
}

/// What git says, if it is there and has no objection.
fn git(dir: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(arguments)
        // Looking must not take the lock of someone who works in the tree.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
