//! Commits, in one line.

use landfall_model::release::SourceInfo;

/// Digits of a commit hash that people read.
const SHORT: usize = 8;

/// The beginning of a commit hash.
pub fn short_commit(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

/// Commit and branch, with a `+` when the tree held more than the commit.
pub fn revision(source: &SourceInfo) -> String {
    let Some(commit) = &source.commit else {
        return "no commit".into();
    };
    let more = if source.dirty { "+" } else { "" };
    match &source.branch {
        Some(branch) => format!("{}{more} {branch}", short_commit(commit)),
        None => format!("{}{more}", short_commit(commit)),
    }
}
