//! The trees that are brought: real builds of `examples/storefront`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use landfall_testkit::storefront;

use crate::docker::output;
use crate::process::{Workplace, set_aside};

/// Builds, and the trees that are deployed of them.
pub struct Versions {
    dir: PathBuf,
}

/// A tree that is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tree {
    /// The storefront.
    First,
    /// The same tree in files with other times, as another machine's checkout and build have them.
    FirstAgain,
    /// With one component changed, built for itself.
    Second,
    /// The storefront, built with the patch release of Next.js before.
    OlderNext,
}

impl Tree {
    const ALL: [Self; 4] = [Self::First, Self::FirstAgain, Self::Second, Self::OlderNext];

    const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::FirstAgain => "first-again",
            Self::Second => "second",
            Self::OlderNext => "older-next",
        }
    }

    /// The version of the example.
    const fn version(self) -> &'static str {
        match self {
            Self::First | Self::FirstAgain => "v1",
            Self::Second => "v2",
            Self::OlderNext => "older-next",
        }
    }
}

impl Versions {
    /// Builds what is not built yet.
    ///
    /// # Errors
    /// When npm fails.
    pub fn prepare(place: &Workplace) -> Result<Self> {
        let dir = place.dir("versions")?;
        let versions = Self { dir };
        for tree in Tree::ALL {
            versions.lay_out(tree)?;
        }
        Ok(versions)
    }

    /// Where a tree is.
    pub fn path(&self, tree: Tree) -> PathBuf {
        self.dir.join(tree.name())
    }

    /// Copies a project with a build of it in place: `to` becomes it.
    ///
    /// # Errors
    /// When it cannot.
    pub fn copy_project(&self, tree: Tree, to: &Path) -> Result<()> {
        copy_as(&built(tree)?, to)
    }

    /// Files and bytes of a tree.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn size(&self, tree: Tree) -> Result<(usize, u64)> {
        size(&self.path(tree))
    }

    fn lay_out(&self, tree: Tree) -> Result<()> {
        let (built, path) = (built(tree)?, self.path(tree));
        copy_as(&built.join(".next/standalone"), &path)?;
        copy_as(&built.join(".next/static"), &path.join(".next/static"))?;
        copy_as(&built.join("public"), &path.join("public"))?;
        if tree == Tree::FirstAgain {
            let mut touch = Command::new("find");
            touch.arg(&path).args(["-exec", "touch", "{}", "+"]);
            output(touch)?;
        }
        Ok(())
    }
}

/// Makes `to` a copy of a directory, with its times. What it was before lies beside it.
///
/// # Errors
/// When it cannot.
pub fn copy_as(from: &Path, to: &Path) -> Result<()> {
    set_aside(to)?;
    let mut copy = Command::new("cp");
    copy.args(["-a", "--reflink=auto", "--"]).arg(from).arg(to);
    output(copy).map(drop)
}

fn built(tree: Tree) -> Result<PathBuf> {
    let version = tree.version();
    storefront::built(version).with_context(|| format!("failed to build the storefront {version}"))
}

fn size(dir: &Path) -> Result<(usize, u64)> {
    let mut sum = (0, 0);
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let (files, bytes) = match kind.is_dir() {
            true => size(&entry.path())?,
            false => (1, entry.metadata()?.len()),
        };
        sum = (sum.0 + files, sum.1 + bytes);
    }
    Ok(sum)
}
