//! From what an image would be made, as one digest with its reasons.
//!
//! Of a file its content, its permissions and where a link leads count, because `COPY` takes them
//! along; times and owners do not. Directories count because an empty one is copied, too. Secrets
//! count by their ids: as with BuildKit, a new value builds nothing.
//!
//! Of the files those count that the instructions can see which the image needs. So a service of a
//! repository that many share is made again only when what it copies changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use landfall_model::Digest;
use landfall_model::spec::ImageBuildSpec;
use serde::Serialize;

use super::bases::Bases;
use super::error::ImageBuildError;
use super::selection::{Selection, select};
use super::sources::{CONTEXT, Sources, additional};
use crate::hashing::{Permissions, hash_files};
use crate::inputs::InputHash;

/// Part of every digest: a change of what counts makes every image new.
const FORMAT: u32 = 2;

/// All that the image depends on.
pub(super) fn hash(
    root: &Path,
    spec: &ImageBuildSpec,
    sources: &Sources,
    bases: &Bases,
    cache: Option<&Path>,
) -> Result<InputHash, ImageBuildError> {
    let mut paths: BTreeSet<PathBuf> = sources.dockerfile_path.iter().cloned().collect();
    let mut contexts: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    let seen = seen_of(spec, sources, bases)?;
    for (name, place) in &sources.contexts {
        let entries = place.directory.entries()?;
        let selections = seen.get(name).map_or(&[][..], Vec::as_slice);
        let selected = select(&place.directory, &entries, selections)?;
        let found = selected.into_iter().map(|path| place.path.join(path));
        let found: Vec<PathBuf> = found.collect();
        paths.extend(found.iter().cloned());
        contexts.insert(name, found);
    }
    let files = hash_files(root, &paths, Permissions::All, cache)?;
    let settings = settings_of(spec, sources, &bases.meanings);
    // What is of which context: a file of two that one of them begins to ignore is still an input,
    // and yet the image may be another one.
    let members: BTreeMap<&str, Digest> = contexts
        .iter()
        .map(|(name, paths)| (*name, Digest::of_json(paths)))
        .collect();
    Ok(InputHash {
        digest: Digest::of_json(&("image", FORMAT, &settings, &members, &files)),
        files,
        settings,
    })
}

/// What the build can see of each context, by the name by which BuildKit asks for it.
fn seen_of(
    spec: &ImageBuildSpec,
    sources: &Sources,
    bases: &Bases,
) -> Result<BTreeMap<String, Vec<Selection>>, ImageBuildError> {
    let seen = sources.needs(spec, &bases.variables)?.seen;
    if seen.is_open || bases.has_triggers {
        let whole = |name: &String| (name.clone(), vec![Selection::whole()]);
        return Ok(sources.contexts.keys().map(whole).collect());
    }
    let others = seen.additional.into_iter();
    let others = others.map(|(name, selections)| (additional(&name), selections));
    Ok(others.chain([(CONTEXT.to_owned(), seen.own)]).collect())
}

fn settings_of(
    spec: &ImageBuildSpec,
    sources: &Sources,
    bases: &BTreeMap<String, String>,
) -> BTreeMap<String, Digest> {
    let mut settings = Settings::default();
    if sources.dockerfile_path.is_none() {
        settings.add("Dockerfile", &sources.dockerfile);
    }
    for (name, place) in &sources.contexts {
        settings.add(name, &place.path);
    }
    settings.add("dockerfile", &sources.dockerfile_path);
    settings.add_unless_default("target", &spec.target);
    settings.add_unless_default("extra hosts", &spec.extra_hosts);
    settings.add_unless_default("network", &spec.network);
    settings.add_unless_default("platform", &spec.platform);
    settings.add_unless_default("shm_size", &spec.shm_size);
    settings.add_unless_default("inline cache", &spec.inline_cache);
    settings.add_each("build argument", &spec.args);
    settings.add_each("label", &spec.labels);
    settings.add_each("ulimit", &spec.ulimits);
    settings.add_each("secret", spec.secrets.keys().map(|id| (id, ())));
    settings.add_each("base image", bases);
    settings.0
}

/// Digests of settings, by their names.
#[derive(Default)]
struct Settings(BTreeMap<String, Digest>);

impl Settings {
    fn add(&mut self, name: impl Into<String>, value: &impl Serialize) {
        self.0.insert(name.into(), Digest::of_json(value));
    }

    /// So that what is not asked for is neither counted nor told.
    fn add_unless_default<T: Serialize + Default + PartialEq>(&mut self, name: &str, value: &T) {
        if *value != T::default() {
            self.add(name, value);
        }
    }

    fn add_each<'a, V: Serialize>(
        &mut self,
        what: &str,
        values: impl IntoIterator<Item = (&'a String, V)>,
    ) {
        for (name, value) in values {
            self.add(format!("{what} {name}"), &value);
        }
    }
}

#[cfg(test)]
mod tests;
