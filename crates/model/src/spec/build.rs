//! Builds of artifacts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{CommandSpec, millis};

/// How an artifact is made from the source tree. All paths are relative to the directory of
/// `landfall.toml`, use `/`, and stay inside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildSpec {
    /// The command; `None` when the output is in the source tree already.
    pub run: Option<CommandSpec>,
    /// Globs of the files that the output depends on; empty means every file that git does not
    /// ignore.
    pub inputs: Vec<String>,
    /// What becomes the artifact.
    pub output: Vec<OutputSpec>,
    /// Globs, relative to the artifact, of what is left out of it.
    pub exclude: Vec<String>,
    /// Variables for the command, besides those of the person who deploys.
    pub env: BTreeMap<String, String>,
    /// How long it may take.
    #[serde(with = "millis")]
    pub timeout: Duration,
}

/// A directory or file that the build leaves behind, and where it goes in the artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// In the source tree.
    pub from: String,
    /// In the artifact; `.` is its root.
    pub to: String,
}
