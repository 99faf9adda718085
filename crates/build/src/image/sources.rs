//! What the source tree holds for a build: the Dockerfile and the contexts.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use landfall_model::spec::{Dockerfile, ImageBuildSpec};

use super::context::ContextDir;
use super::dockerfile::{Needs, NoStage, Reading, read};
use super::error::ImageBuildError;
use crate::error::Context as _;

/// The name by which BuildKit asks for the build's own context.
pub(super) const CONTEXT: &str = "context";

/// A Dockerfile as it was read, with the contexts that it is for.
#[derive(Debug)]
pub(super) struct Sources {
    /// The text of the Dockerfile.
    pub dockerfile: Vec<u8>,
    /// Where it is, relative to the source tree; `None` where it is part of the configuration.
    pub dockerfile_path: Option<PathBuf>,
    /// The build's own, by [`CONTEXT`], and the additional ones.
    pub contexts: BTreeMap<String, Place>,
}

/// A context and where it is.
#[derive(Debug)]
pub(super) struct Place {
    /// Relative to the source tree.
    pub path: PathBuf,
    /// The directory.
    pub directory: ContextDir,
}

impl Sources {
    /// Reads the Dockerfile and the ignore files.
    ///
    /// # Errors
    /// When one of them, or a context, is not there or cannot be read.
    pub fn read(root: &Path, spec: &ImageBuildSpec) -> Result<Self, ImageBuildError> {
        let context = Path::new(&spec.context);
        let (dockerfile, dockerfile_path) = match &spec.dockerfile {
            Dockerfile::Inline(text) => (text.clone().into_bytes(), None),
            Dockerfile::File(file) => {
                // Which of the two is missing is what its owner wants to know.
                open(root, None, context, None)?;
                let path = tidy(&context.join(file));
                (read_dockerfile(&root.join(&path))?, Some(path))
            }
        };
        let beside = dockerfile_path.as_ref().map(|path| root.join(path));
        let own = open(root, None, context, beside.as_deref())?;
        let mut contexts = BTreeMap::from([(CONTEXT.to_owned(), own)]);
        for (name, path) in &spec.additional_contexts {
            let place = open(root, Some(name), Path::new(path), None)?;
            contexts.insert(additional(name), place);
        }
        Ok(Self {
            dockerfile,
            dockerfile_path,
            contexts,
        })
    }

    /// What the Dockerfile takes from. `of_images` are variables that base images set.
    ///
    /// # Errors
    /// When it does not have the stage that is asked for.
    pub fn needs(
        &self,
        spec: &ImageBuildSpec,
        of_images: &BTreeSet<String>,
    ) -> Result<Needs, ImageBuildError> {
        let with = Reading {
            args: &spec.args,
            platform: spec.platform.as_deref(),
            target: spec.target.as_deref(),
            contexts: &spec.additional_contexts,
            of_images,
        };
        let text = String::from_utf8_lossy(&self.dockerfile);
        let mut needs = read(&text, &with).map_err(|NoStage(stages)| ImageBuildError::NoStage {
            target: spec.target.clone().unwrap_or_default(),
            stages,
        })?;
        // Its names may be others than were read.
        needs.seen.is_open |= matches!(text, Cow::Owned(_));
        Ok(needs)
    }
}

/// The name by which BuildKit asks for an additional context. It has a prefix, because an
/// additional context may itself be called `context` or `dockerfile`. That is also its name among the
/// settings that changed.
pub(super) fn additional(name: &str) -> String {
    format!("{CONTEXT} {name}")
}

fn open(
    root: &Path,
    name: Option<&str>,
    path: &Path,
    dockerfile: Option<&Path>,
) -> Result<Place, ImageBuildError> {
    let path = tidy(path);
    let directory = ContextDir::open(name, root.join(&path), dockerfile)?;
    Ok(Place { path, directory })
}

fn read_dockerfile(path: &Path) -> Result<Vec<u8>, ImageBuildError> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let path = path.to_owned();
            Err(ImageBuildError::NoDockerfile { path })
        }
        read => Ok(read.context("read", path)?),
    }
}

/// Without `.`, and without `..` where it takes back a name.
fn tidy(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match (part, tidy.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(tidy.pop()),
            (part, _) => tidy.push(part),
        }
    }
    tidy
}
