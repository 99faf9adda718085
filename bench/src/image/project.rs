//! The project whose image is brought over: real files of this machine, one of which changes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::Workplace;

/// How the files are spread over layers.
#[derive(Debug)]
pub struct Case {
    /// For people.
    pub name: &'static str,
    /// For paths.
    pub key: &'static str,
    /// Bytes in a layer of their own, which stays.
    base: u64,
    /// Bytes in the layer that the changing file is in.
    app: u64,
}

/// 200 MB each.
pub const CASES: [Case; 3] = [
    Case {
        name: "one file of a 50 MB layer on 150 MB",
        key: "app",
        base: 150_000_000,
        app: 50_000_000,
    },
    Case {
        name: "one file of one 200 MB layer",
        key: "whole",
        base: 0,
        app: 200_000_000,
    },
    Case {
        name: "one file in a layer of its own on 200 MB",
        key: "own",
        base: 200_000_000,
        app: 0,
    },
];

/// Where there are enough files, of all kinds.
const SOURCES: [&str; 3] = ["/usr/lib/x86_64-linux-gnu", "/usr/share", "/usr/lib"];
/// The changing file: a bundle of JavaScript has about that.
const CHANGING: usize = 100_000;
/// A larger file would be a case of its own.
const LARGEST: u64 = 20_000_000;

/// A directory to build from.
#[derive(Debug)]
pub struct Project(PathBuf);

impl Project {
    /// Gathers its files.
    ///
    /// # Errors
    /// When there are too few.
    pub fn new(place: &Workplace, case: &Case) -> Result<Self> {
        let dir = place.dir(&format!("project-{}", case.key))?;
        let mut files = Vec::new();
        for source in SOURCES {
            gather(Path::new(source), &mut files);
        }
        files.sort();
        let mut files = files.into_iter();
        for (name, bytes) in [("base", case.base), ("app", case.app)] {
            fill(&dir.join(name), bytes, &mut files)?;
        }
        let base = match case.base {
            0 => "",
            _ => "COPY base /base\n",
        };
        fs::write(
            dir.join("Dockerfile"),
            format!("FROM scratch\n{base}COPY app /app\nCMD [\"/app/none\"]\n"),
        )?;
        Ok(Self(dir))
    }

    /// Its directory, with the changing file as it is in this version.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn at_version(&self, version: usize) -> Result<&Path> {
        // Half of it compresses, as code does.
        let mut state = version as u64 + 1;
        let digits = (0..CHANGING).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            b"0123456789abcdef"[(state >> 60) as usize]
        });
        fs::write(self.0.join("app/bundle.js"), digits.collect::<Vec<u8>>())?;
        Ok(&self.0)
    }
}

fn gather(dir: &Path, files: &mut Vec<(PathBuf, u64)>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => gather(&entry.path(), files),
            Ok(kind) if kind.is_file() => {
                let size = entry.metadata().map_or(0, |found| found.len());
                if size <= LARGEST {
                    files.push((entry.path(), size));
                }
            }
            _ => {}
        }
    }
}

fn fill(dir: &Path, bytes: u64, files: &mut impl Iterator<Item = (PathBuf, u64)>) -> Result<()> {
    fs::create_dir_all(dir)?;
    let mut left = bytes;
    while left > 0 {
        let Some((from, size)) = files.next() else {
            bail!("this machine has too few files in {}", SOURCES.join(", "));
        };
        let to = dir.join(from.strip_prefix("/")?);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(&from, &to).with_context(|| format!("failed to copy {}", from.display()))?;
        left = left.saturating_sub(size);
    }
    Ok(())
}
