//! From files to a resolved project: each document is interpolated, extended, laid over those
//! before it and checked; then the whole is normalised, brought into the canonical form, and
//! checked for what only the whole can tell.

mod document;
mod environment;
mod extends;
mod files;
mod include;
mod name;
pub(super) mod paths;
mod services;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use super::interpolate::Variables;
use super::model::{self, Project};
use super::tree::{Map, Node, Path, Place, Value};
use super::{canonical, short, spec};
use crate::diagnostics::{Diagnostic, Diagnostics, Source};
use files::Files;

pub use name::is_project_name;

/// Values of all documents of a project, at most: files may bring in each other in more ways than
/// there is time for. The largest projects that people keep have some ten thousand.
const MAX_VALUES: usize = 4_000_000;

/// What to load, and on whose behalf.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// The directory that paths are given and shown relative to; absolute.
    pub directory: PathBuf,
    /// The Compose files, later ones laid over earlier ones. Without any, `COMPOSE_FILE` counts,
    /// then the usual names in the directory and above it.
    pub files: Vec<PathBuf>,
    /// The variables of the caller's environment. They win over `.env`.
    pub variables: BTreeMap<String, String>,
    /// The profiles to enable. Without any, `COMPOSE_PROFILES` counts.
    pub profiles: Vec<String>,
}

/// A project, and what is odd about its files.
#[derive(Debug)]
pub struct LoadedProject {
    /// The project.
    pub project: Project,
    /// What works, but hardly as it was meant.
    pub warnings: Diagnostics,
}

/// Loads a project.
///
/// # Errors
/// Everything that is wrong with the files, as far as it can be told: a mistake in a later stage
/// is only found once the earlier ones are mended.
pub fn load(request: &LoadRequest) -> Result<LoadedProject, Diagnostics> {
    let mut files = Files::new(&request.directory);
    let environment = environment::of(request, &mut files)?;
    let environment::Environment {
        files: paths,
        directory,
        mut variables,
        profiles,
    } = environment;
    let mut loader = Loader {
        files,
        warnings: Vec::new(),
        values_left: MAX_VALUES,
    };
    let name = name::of(&mut loader, &paths, &directory, &variables)?;
    variables.insert("COMPOSE_PROJECT_NAME".into(), name.clone());
    let scope = Scope {
        directory,
        variables,
        included: Vec::new(),
    };
    let mut root = loader.model(&paths, &scope)?;
    let first = root.at.clone();
    if root.map().is_none_or(Map::is_empty) {
        let found = first.error(document::CODE, "the file says nothing");
        return Err(found
            .fix("write `services:` with at least one service")
            .into());
    }
    model::normalize(&mut root, &name, &scope.variables);
    let mut found = Vec::new();
    let tree = canonical::fields(&root, &spec::TOP, &Path::ROOT, &mut found);
    stop_at(found)?;
    let mut tree = completed(tree, &root);
    let disabled = model::disable(&mut tree, &profiles);
    services::resolve(&mut loader.files, &mut tree, &root, &scope.variables)?;
    stop_at(model::inconsistencies(&mut tree, &disabled))?;
    model::drop_unused(&mut tree);
    warn_once(&mut loader.warnings);
    Ok(LoadedProject {
        project: Project::new(
            name,
            scope.directory.into(),
            tree,
            disabled,
            scope.variables,
        ),
        warnings: Diagnostics(loader.warnings),
    })
}

/// Goes on only if nothing was found. What was found is told in the order of the files.
fn stop_at(mut found: Vec<Diagnostic>) -> Result<(), Diagnostics> {
    let place = |diagnostic: &Diagnostic| {
        let file = diagnostic.labels.first().map(|label| label.file.path());
        (file.unwrap_or_default().to_owned(), diagnostic.position())
    };
    found.sort_by_key(place);
    match found.is_empty() {
        true => Ok(()),
        false => Err(Diagnostics(found)),
    }
}

/// `x-…` of the document is printed as it is, and `services` even if there are none.
fn completed(mut tree: Node, root: &Node) -> Node {
    let none = root.here(Value::Map(Map::new()));
    if let (Some(map), Some(root)) = (tree.map_mut(), root.map()) {
        map.entry("services".into()).or_insert(none);
        for (key, node) in root.iter().filter(|(key, _)| key.starts_with("x-")) {
            map.insert(key.clone(), node.clone());
        }
        map.sort_unstable_keys();
    }
    tree
}

/// A document may be read more than once; what is odd about it is said once.
fn warn_once(warnings: &mut Vec<Diagnostic>) {
    let mut seen = HashSet::new();
    warnings.retain(|warning| {
        let place = warning
            .labels
            .first()
            .map(|label| (label.file.path().to_owned(), label.span.start));
        seen.insert((place, warning.message.clone()))
    });
}

/// What is shared while files are read.
struct Loader {
    files: Files,
    warnings: Vec<Diagnostic>,
    /// Values that may still be read. A file counts every time that it is brought in.
    values_left: usize,
}

/// What holds for the files of one model: the project's own, or an included one.
struct Scope {
    /// What relative paths are relative to; absolute.
    directory: String,
    variables: Variables,
    /// The files that led here by `include`, absolute.
    included: Vec<String>,
}

impl Loader {
    /// One model out of several files.
    fn model(&mut self, files: &[String], scope: &Scope) -> Result<Node, Diagnostics> {
        let mut root = self.nothing(files)?;
        for file in files {
            self.file(file, scope, document::Use::Whole, &mut root)?;
        }
        short::defaults(&mut root, &Path::ROOT)?;
        stop_at(model::misuses(&root))?;
        let resolver = paths::Resolver {
            directory: &scope.directory,
            variables: &scope.variables,
        };
        resolver.resolve(&mut root, &Path::ROOT)?;
        model::inherit_environment(&mut root, &scope.variables);
        Ok(root)
    }

    /// An empty document, at the beginning of the first file.
    fn nothing(&mut self, files: &[String]) -> Result<Node, Diagnostics> {
        let file = match files.first() {
            Some(first) => self.files.read(first)?,
            None => std::sync::Arc::new(Source::new("", "")),
        };
        let at = Place { file, span: 0..0 };
        Ok(Node::new(Value::Map(Map::new()), at))
    }
}
