//! What the architecture and the house style demand and no compiler checks.

mod edges;
mod files;
mod links;
mod source;

use std::path::{Path, PathBuf};

/// The root of the checkout.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A Rust file of the workspace.
struct RustFile {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

impl RustFile {
    /// Whether the file holds tests only: `tests.rs`, and everything in a `tests` directory.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The lines that ship: those before a `mod tests` within the file.
    fn shipped(&self) -> impl Iterator<Item = &str> {
        let lines = if self.is_test() { 0 } else { usize::MAX };
        self.text
            .lines()
            .take(lines)
            .take_while(|line| !line.starts_with("mod tests {"))
    }

    fn is_in(&self, dirs: &[&str]) -> bool {
        dirs.iter().any(|dir| self.path.starts_with(dir))
    }
}

/// Every file below these directories that is not built or installed.
fn files(dirs: &[&str]) -> Vec<PathBuf> {
    let skipped = ["target", "node_modules", ".next", "dist", ".git"];
    let walk = dirs.iter().flat_map(|dir| {
        walkdir::WalkDir::new(root().join(dir))
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| !skipped.iter().any(|name| entry.file_name() == *name))
    });
    let files = walk.map(|entry| entry.expect("the checkout can be read"));
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.into_path())
        .collect()
}

fn rust_files() -> Vec<RustFile> {
    let paths = files(&["crates", "xtask", "examples", "bench"].map(existing));
    let rust = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"));
    rust.map(|path| RustFile {
        path: relative(path),
        text: std::fs::read_to_string(path).unwrap(),
    })
    .collect()
}

/// The directory, or one that is there in its place: not every checkout has all.
fn existing(dir: &'static str) -> &'static str {
    if root().join(dir).exists() {
        dir
    } else {
        "xtask/src"
    }
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap()
        .to_str()
        .unwrap()
        .replace('\\', "/")
}

/// Fails with all that is wrong at once.
#[track_caller]
fn none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
