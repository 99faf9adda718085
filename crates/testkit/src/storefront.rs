//! The versions of `examples/storefront`, built once and kept outside the checkout.
//!
//! Owns the cache folder `$LANDFALL_TEST_CACHE`, by default `~/.cache/landfall-tests`. A build is
//! found again by the content of its sources, so a changed source is never served from the cache.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use landfall_model::Digest;

use crate::bins::checkout;
use crate::project::Project;
use crate::sandbox::Sandbox;

/// Names the cache folder.
pub const CACHE: &str = "LANDFALL_TEST_CACHE";

/// The versions that can be built; `v1` is the example itself, the others are folders in its
/// `versions`. Besides them there is `broken-build`.
pub const BUILDABLE: [&str; 6] = [
    "v1",
    "v2",
    "broken-start",
    "broken-health",
    "broken-smoke",
    "broken-traffic",
];

/// What a version is made of, besides what its own folder holds.
const SOURCES: [&str; 6] = [
    "app",
    "public",
    "landfall.toml",
    "next.config.mjs",
    "package.json",
    "package-lock.json",
];

/// The build command of the example's `landfall.toml`.
const BUILD: &str = r#""npm ci --no-audit --no-fund && npm run build""#;

impl<'a> Project<'a> {
    /// The storefront at a version of [`BUILDABLE`], with the output of its build in place: a
    /// deployment builds it by doing nothing.
    ///
    /// # Panics
    /// When it cannot be built.
    pub fn storefront(sandbox: &'a Sandbox, version: &str) -> Self {
        let project = Self::at(sandbox, sandbox.dir().join("storefront"));
        project.storefront_version(version);
        project
    }

    /// The storefront as a person has it: its sources, and nothing built. A deployment runs npm.
    ///
    /// # Panics
    /// When files cannot be copied.
    pub fn storefront_unbuilt(sandbox: &'a Sandbox, version: &str) -> Self {
        let dir = sandbox.dir().join("storefront");
        copy_sources(version, &dir).expect("the sources are copied");
        Self::at(sandbox, dir)
    }

    /// Makes the project another version of [`BUILDABLE`].
    ///
    /// # Panics
    /// When it cannot be built.
    pub fn storefront_version(&self, version: &str) {
        let built = built(version).unwrap_or_else(|error| panic!("storefront {version}: {error}"));
        if self.dir().exists() {
            fs::remove_dir_all(self.dir()).expect("the old version is removed");
        }
        copy_sources(version, self.dir()).expect("the sources are copied");
        cp(&built.join(".next"), self.dir()).expect("the build is copied");
        self.edit(BUILD, r#""true""#);
    }
}

/// A directory with the `.next` that the build of a version leaves, from the cache or made now.
/// Processes that want the same at once wait for each other.
///
/// # Errors
/// When npm fails, with what it said, or a file operation does.
pub fn built(version: &str) -> io::Result<PathBuf> {
    let cache = cache_dir().join("storefront");
    fs::create_dir_all(&cache)?;
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;

    let work = tempfile::Builder::new()
        .prefix("build-")
        .tempdir_in(&cache)?;
    copy_sources(version, work.path())?;
    let done = cache.join(format!("{version}-{}", fingerprint(work.path())?));
    if done.exists() {
        return Ok(done);
    }
    copy_into(
        &modules(&cache, work.path())?,
        &work.path().join("node_modules"),
    )?;
    npm(work.path(), &["run", "build"])?;
    fs::remove_dir_all(work.path().join("node_modules"))?;
    fs::rename(work.keep(), &done)?;
    Ok(done)
}

/// What npm installs for the lock file in `source`.
fn modules(cache: &Path, source: &Path) -> io::Result<PathBuf> {
    let lock = fs::read(source.join("package-lock.json"))?;
    let done = cache.join(format!("modules-{}", Digest::of(&lock).short()));
    if !done.exists() {
        let work = tempfile::Builder::new()
            .prefix("install-")
            .tempdir_in(cache)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), work.path().join(file))?;
        }
        npm(work.path(), &["ci", "--no-audit", "--no-fund"])?;
        fs::rename(work.path().join("node_modules"), &done)?;
    }
    Ok(done)
}

fn npm(dir: &Path, args: &[&str]) -> io::Result<()> {
    let output = Command::new("npm")
        .args(args)
        .current_dir(dir)
        .env("NEXT_TELEMETRY_DISABLED", "1")
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Err(io::Error::other(format!("npm {}:\n{said}", args.join(" "))))
}

/// Lays out the sources of a version in `to`, which is made.
fn copy_sources(version: &str, to: &Path) -> io::Result<()> {
    let example = checkout().join("examples/storefront");
    fs::create_dir_all(to)?;
    for name in SOURCES {
        cp(&example.join(name), to)?;
    }
    match version {
        "v1" => Ok(()),
        other => copy_into(&example.join("versions").join(other), to),
    }
}

/// Copies the content of a directory into another, which is made; where they can share content
/// until one changes, they do.
fn copy_into(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    cp(&from.join("."), to)
}

fn cp(from: &Path, to: &Path) -> io::Result<()> {
    let status = Command::new("cp")
        .args(["-a", "--reflink=auto", "--"])
        .args([from, to])
        .stdin(Stdio::null())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "failed to copy {}",
            from.display()
        ))),
    }
}

/// Names the content of a directory, and the Node.js that builds it.
fn fingerprint(dir: &Path) -> io::Result<String> {
    let node = Command::new("node").arg("--version").output()?;
    let mut all = node.stdout;
    add_content(dir, dir, &mut all)?;
    Ok(Digest::of(&all).short())
}

fn add_content(root: &Path, dir: &Path, all: &mut Vec<u8>) -> io::Result<()> {
    let mut paths = fs::read_dir(dir)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add_content(root, &path, all)?;
            continue;
        }
        // Says what to do with the build, and is no part of it.
        if path.ends_with("landfall.toml") {
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
        let content = Digest::of(&fs::read(&path)?);
        all.extend(format!("{name} {content}\n").bytes());
    }
    Ok(())
}

fn cache_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os(CACHE) {
        return dir.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::home_dir().map(|home| home.join(".cache"));
    cache
        .or_else(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("landfall-tests")
}
