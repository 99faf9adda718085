//! What git knows of a source tree, asked of the `git` program. No git is no error here; in
//! [`Git`], where something has to be done, it is.

mod program;

use std::path::Path;
use std::process::{Command, Stdio};

use landfall_model::release::SourceInfo;
use serde::Serialize;

pub use self::program::{Git, check_out};

/// Commits listed by name; the rest are counted.
const LISTED: usize = 10;

/// What a source tree has that a release does not, and the other way round.
#[derive(Debug, Clone, Serialize)]
pub struct Undeployed {
    /// How many commits of the branch are not in the release.
    pub count: u64,
    /// The newest of them: short hash and subject.
    pub commits: Vec<String>,
    /// How many commits of the release are not in the branch.
    pub missing: u64,
    /// Whether the tree holds changes that are in no commit.
    pub dirty: bool,
}

/// Where the source in `dir` comes from.
pub fn source_info(dir: &Path) -> SourceInfo {
    let Some(head) = git(dir, &["log", "-1", "--format=%H%n%an <%ae>%n%s"]) else {
        return SourceInfo::default();
    };
    let mut lines = head.lines().map(str::to_owned);
    let (commit, author, subject) = (lines.next(), lines.next(), lines.next());
    let branch = git(dir, &["symbolic-ref", "--short", "-q", "HEAD"]);
    SourceInfo {
        commit,
        branch: branch.map(|name| name.trim().to_owned()),
        author,
        subject,
        dirty: is_dirty(dir),
    }
}

fn is_dirty(dir: &Path) -> bool {
    let changes = git(dir, &["status", "--porcelain", "--untracked-files=normal"]);
    changes.is_some_and(|changes| !changes.trim().is_empty())
}

/// Whether `dir` is in a repository that has a commit.
pub fn has_commits(dir: &Path) -> bool {
    git(dir, &["rev-parse", "--verify", "-q", "HEAD"]).is_some()
}

/// How `HEAD` and `live` differ; `None` when git does not know `live` in `dir`.
pub fn undeployed(dir: &Path, live: &str) -> Option<Undeployed> {
    // A commit hash comes from a release and is nothing else, but it becomes an argument.
    if live.is_empty() || !live.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let range = format!("{live}..HEAD");
    let both = format!("{live}...HEAD");
    let counts = git(dir, &["rev-list", "--left-right", "--count", &both])?;
    let mut counts = counts.split_whitespace().map(str::parse);
    let (missing, count) = (counts.next()?.ok()?, counts.next()?.ok()?);
    let limit = format!("-{LISTED}");
    let commits = git(dir, &["log", "--format=%h %s", &limit, &range])?;
    Some(Undeployed {
        count,
        commits: commits.lines().map(str::to_owned).collect(),
        missing,
        dirty: is_dirty(dir),
    })
}

/// What git says, if it is there and has no objection.
fn git(dir: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    program::forget_caller(&mut command);
    let output = command
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
