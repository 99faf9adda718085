//! A first `landfall.toml`, from what a project has already.
//!
//! Files are read as data: nothing of the project is run, and nothing is written.

mod cargo;
mod commands;
mod js;
mod node;
mod pm2;
mod procfile;
mod python;
mod script;
mod write;

use std::path::Path;

use serde::Serialize;

use commands::Command;
use write::{Draft, ServiceDraft};

/// A proposed `landfall.toml`, and where everything in it is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitProposal {
    /// The text of the file. It loads.
    pub toml: String,
    /// What was taken from where, what was left out, and what is left to do.
    pub notes: Vec<InitNote>,
}

/// A remark on a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitNote {
    /// What kind of remark.
    pub kind: InitNoteKind,
    /// What was taken, left out, or is to do.
    pub took: String,
    /// The file it concerns, relative to the project.
    pub from: String,
}

/// Kinds of [`InitNote`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitNoteKind {
    /// It is in the proposal.
    Took,
    /// It is not, because Landfall has no such thing or cannot know its value.
    Skipped,
    /// Something to look at before the first deployment.
    Check,
}

/// Why there is no proposal.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is a `landfall.toml`.
    #[error("{0} exists already")]
    AlreadyThere(String),
    /// Nothing is there that could be read.
    #[error(
        "nothing in {0} says how the app is built or run: looked for ecosystem.config.js, \
         Procfile, package.json, pyproject.toml, requirements.txt and Cargo.toml"
    )]
    NothingFound(String),
    /// A file is there, and of no use.
    #[error("{file} cannot be used: {reason}")]
    Unusable {
        /// The file, relative to the project.
        file: String,
        /// Why.
        reason: String,
    },
}

/// A proposal for the project in `dir`.
///
/// Services are those of a PM2 file or a Procfile, where there is one; builds are those of the
/// language of the project.
///
/// # Errors
/// When there is nothing to propose.
pub fn detect(dir: &Path) -> Result<InitProposal, InitError> {
    let shown = dir.display().to_string();
    if dir.join(crate::FILE_NAME).exists() {
        let file = dir.join(crate::FILE_NAME).display().to_string();
        return Err(InitError::AlreadyThere(file));
    }
    let project = Project { dir };
    let mut draft = Draft::new(dir);
    let toolchain = Toolchain::detect(&project, &mut draft)?;
    let described = pm2::detect(&project, &mut draft)? || procfile::detect(&project, &mut draft)?;
    if described {
        if let Some(toolchain) = &toolchain {
            toolchain.build_all(&mut draft);
        }
    } else {
        match toolchain {
            Some(toolchain) => toolchain.propose(&project, &mut draft)?,
            None => return Err(InitError::NothingFound(shown)),
        }
    }
    Ok(draft.finish())
}

/// Files of the project.
struct Project<'a> {
    dir: &'a Path,
}

impl Project<'_> {
    fn has(&self, file: &str) -> bool {
        self.dir.join(file).is_file()
    }

    /// The first of these files that is there.
    fn first<'f>(&self, files: &[&'f str]) -> Option<&'f str> {
        files.iter().copied().find(|file| self.has(file))
    }

    fn read(&self, file: &str) -> Result<Option<String>, InitError> {
        match crate::load::read_text(&self.dir.join(file)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(InitError::Unusable {
                file: file.to_owned(),
                reason: format!("it {error}"),
            }),
        }
    }
}

/// The language of a project, by the file that names its dependencies.
enum Toolchain {
    Node(node::Package),
    Python(python::Python),
    Cargo(cargo::Package),
}

impl Toolchain {
    fn detect(project: &Project<'_>, draft: &mut Draft) -> Result<Option<Self>, InitError> {
        if let Some(package) = node::Package::read(project, draft)? {
            return Ok(Some(Self::Node(package)));
        }
        if let Some(python) = python::Python::read(project, draft)? {
            return Ok(Some(Self::Python(python)));
        }
        Ok(cargo::Package::read(project, draft)?.map(Self::Cargo))
    }

    /// Gives services that are described elsewhere the build of the project.
    fn build_all(&self, draft: &mut Draft) {
        let build = match self {
            Self::Node(package) => package.build(draft),
            Self::Python(python) => python.build(draft),
            Self::Cargo(package) => package.build_in_place(draft),
        };
        draft.share_build(build);
    }

    fn propose(&self, project: &Project<'_>, draft: &mut Draft) -> Result<(), InitError> {
        match self {
            Self::Node(package) => package.propose(project, draft),
            Self::Python(python) => python.propose(project, draft),
            Self::Cargo(package) => {
                package.propose(draft);
                Ok(())
            }
        }
    }
}
