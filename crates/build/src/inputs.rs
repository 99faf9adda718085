//! From what a build would be made, as one digest with its reasons.
//!
//! Content, the executable bit, the target of links, the command, its own variables and what is
//! taken as output count. Times, owners, other permission bits and the machine do not, so the same
//! sources have the same digest everywhere.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use landfall_model::Digest;
use landfall_model::spec::BuildSpec;
use serde::{Deserialize, Serialize};

use crate::error::BuildError;
use crate::hashing::{Permissions, hash_files};
use crate::select::select;

/// Part of every digest: a change of what counts makes every artifact new.
const FORMAT: u32 = 1;

/// What a build is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputHash {
    /// Of everything below: the same digest, the same artifact.
    pub digest: Digest,
    /// Each input file by its path in the source tree.
    pub files: BTreeMap<String, Digest>,
    /// The parts of the build's own configuration that count, by name.
    pub settings: BTreeMap<String, Digest>,
}

/// A difference between two [`InputHash`]es.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// A path in the source tree, or the name of a setting: `build command`, `output`, `exclude`,
    /// `env NAME`; of images `Dockerfile`, `target`, `base image NAME`, `build argument NAME` and
    /// others.
    pub path: String,
    /// How it differs.
    pub kind: ChangeKind,
}

/// How an input differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has other content, or became executable or ceased to be.
    Changed,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ChangeKind::Added => write!(f, "{} (new)", self.path),
            ChangeKind::Removed => write!(f, "{} (gone)", self.path),
            ChangeKind::Changed => f.write_str(&self.path),
        }
    }
}

/// Hashes the inputs of a build. `cache` is a file that remembers hashes of files that have not
/// changed since; it is made where there is none, may be removed at any time, and belongs to this
/// build of this source tree alone. Blocks; call it where that may be.
///
/// # Errors
/// When a declared input matches nothing, or the source tree cannot be read.
pub fn hash_inputs(
    root: &Path,
    spec: &BuildSpec,
    cache: Option<&Path>,
) -> Result<InputHash, BuildError> {
    let files = hash_files(root, &select(root, spec)?, Permissions::Executable, cache)?;
    let settings = settings_of(spec);
    Ok(InputHash {
        digest: Digest::of_json(&(FORMAT, &settings, &files)),
        files,
        settings,
    })
}

/// What differs between two hashes: settings first, then files by path.
pub fn explain(old: &InputHash, new: &InputHash) -> Vec<Changed> {
    let mut changes = differences(&old.settings, &new.settings);
    changes.extend(differences(&old.files, &new.files));
    changes
}

/// What differs in the source tree from `before`: not empty when someone edited it during a build,
/// and the artifact may then be of neither state.
///
/// # Errors
/// As [`hash_inputs`].
pub fn changed_meanwhile(
    root: &Path,
    spec: &BuildSpec,
    before: &InputHash,
    cache: Option<&Path>,
) -> Result<Vec<Changed>, BuildError> {
    Ok(explain(before, &hash_inputs(root, spec, cache)?))
}

fn settings_of(spec: &BuildSpec) -> BTreeMap<String, Digest> {
    let mut settings = BTreeMap::from([
        ("build command".to_owned(), Digest::of_json(&spec.run)),
        ("output".to_owned(), Digest::of_json(&spec.output)),
        ("exclude".to_owned(), Digest::of_json(&spec.exclude)),
    ]);
    for (name, value) in &spec.env {
        settings.insert(format!("env {name}"), Digest::of_json(value));
    }
    settings
}

fn differences(old: &BTreeMap<String, Digest>, new: &BTreeMap<String, Digest>) -> Vec<Changed> {
    let change = |path: &String, kind| Changed {
        path: path.clone(),
        kind,
    };
    let gone = old.keys().filter(|path| !new.contains_key(*path));
    let mut changes: Vec<Changed> = gone.map(|path| change(path, ChangeKind::Removed)).collect();
    changes.extend(new.iter().filter_map(|(path, digest)| match old.get(path) {
        None => Some(change(path, ChangeKind::Added)),
        Some(before) if before != digest => Some(change(path, ChangeKind::Changed)),
        Some(_) => None,
    }));
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}
