//! The binaries under test, built.
//!
//! Owns the decision when to build: never, where whoever runs the tests says that it has built
//! them; else once per test process, so that no test ever meets a stale binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Names the directory of binaries that were just built; set by `cargo xtask test`.
pub const BINS: &str = "LANDFALL_TEST_BINS";

/// The `landfall` binary.
///
/// # Panics
/// When it cannot be built.
pub fn landfall() -> PathBuf {
    dir().join("landfall")
}

/// The binary of `examples/hello`.
///
/// # Panics
/// When it cannot be built.
pub fn hello() -> PathBuf {
    dir().join("hello")
}

/// The root of the checkout.
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| match std::env::var_os(BINS) {
        Some(dir) => dir.into(),
        None => build(),
    })
}

/// Builds both with the profile and target directory of the running test. Cargo's own lock keeps
/// test processes that come at once apart.
fn build() -> PathBuf {
    let dir = profile_dir();
    let release = dir.ends_with("release");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--package=landfall", "--package=hello"])
        .args(release.then_some("--release"))
        .arg("--target-dir")
        .arg(dir.parent().unwrap_or(&dir))
        .current_dir(checkout())
        .stdin(Stdio::null());
    let output = cargo.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "the binaries under test do not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    dir
}

/// `target/debug` or `target/release`: where the running test lies in `deps/`.
fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let dir = test.parent().expect("a program is in a directory");
    match dir.file_name() {
        Some(name) if name == "deps" => dir.parent().unwrap_or(dir).into(),
        _ => dir.into(),
    }
}
