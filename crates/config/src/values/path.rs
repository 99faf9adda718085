//! Paths: of files below the project, and of requests.

use std::path::{Path, PathBuf};

use crate::reader::Problem;

/// A path below a directory: no `..`, not absolute, `/` between its parts. `.` is the directory.
pub(crate) fn relative(text: &str) -> Result<String, Problem> {
    lexical(text)
}

pub(super) fn lexical(text: &str) -> Result<String, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new("empty-path", "a path cannot be empty")
            .label("empty")
            .fix("write `.` for the directory itself"));
    }
    if text.chars().any(char::is_control) {
        return Err(Problem::new(
            "invalid-path",
            "a path cannot hold control characters",
        ));
    }
    if text.starts_with(['/', '~']) || text.contains('\\') || text.get(1..3) == Some(":/") {
        return Err(outside(text)
            .label("not relative to the project")
            .fix("write it relative to landfall.toml, with `/` between its parts"));
    }
    let parts: Vec<&str> = text
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if parts.contains(&"..") {
        return Err(outside(text)
            .label("`..` leads out")
            .fix("move what is needed below the directory of landfall.toml"));
    }
    if parts.is_empty() {
        return Ok(".".to_owned());
    }
    Ok(parts.join("/"))
}

/// The real place of a path in the project, unless a symbolic link leads out of it. What does
/// not exist is at its place.
pub(crate) fn inside(root: &Path, relative: &str) -> Result<PathBuf, Problem> {
    let path = root.join(relative);
    let Some(existing) = path.ancestors().find_map(|part| part.canonicalize().ok()) else {
        return Ok(path);
    };
    if existing.starts_with(root) {
        return Ok(path);
    }
    Err(outside(relative)
        .label(format!("leads to {}", existing.display()))
        .fix("a symbolic link leads out of the project; copy what it points to"))
}

fn outside(text: &str) -> Problem {
    Problem::new(
        "path-outside-project",
        format!("{text:?} leads outside the project"),
    )
}

/// A path prefix of a route, without a `/` at its end.
pub(crate) fn route_path(text: &str) -> Result<String, Problem> {
    request_path(text)?;
    if let Some(at) = text.find('?') {
        return Err(
            Problem::new("invalid-request-path", "a route cannot match a query")
                .part(at..text.len())
                .label("a query"),
        );
    }
    if text.contains('*') {
        return Err(Problem::new(
            "invalid-request-path",
            "a route's path is a prefix, not a pattern",
        )
        .label("holds a `*`")
        .fix("leave the `*` out; what is below matches as well"));
    }
    if text.split('/').any(|part| part == "." || part == "..") || text.contains("//") {
        return Err(Problem::new(
            "invalid-request-path",
            format!("{text:?} matches no request"),
        )
        .label("requests are normalised before they are matched"));
    }
    let trimmed = text.trim_end_matches('/');
    Ok(if trimmed.is_empty() { "/" } else { trimmed }.to_owned())
}

/// A path, and query, to ask for.
pub(crate) fn request_path(text: &str) -> Result<String, Problem> {
    let problem = |message: String| Problem::new("invalid-request-path", message);
    if text.contains("://") {
        return Err(problem(format!("{text:?} is an address, not a path"))
            .label("an address")
            .fix("write only its path, and its host as `host`"));
    }
    if !text.starts_with('/') {
        return Err(problem(format!("{text:?} is not a path of a request"))
            .label("does not start with `/`")
            .fix(format!("write \"/{text}\"")));
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| {
        c.is_control() || c.is_whitespace() || !c.is_ascii() || "#\\\"<>".contains(*c)
    }) {
        return Err(
            problem(format!("{c:?} cannot stand in the path of a request"))
                .part(at..at + c.len_utf8())
                .label("here")
                .fix("write it percent-encoded"),
        );
    }
    Ok(text.to_owned())
}
