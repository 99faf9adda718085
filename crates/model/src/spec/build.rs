//! Builds of artifacts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::image_build::ImageBuildSpec;
use crate::{CommandSpec, millis};

/// How an artifact is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Build {
    /// A tree, by a command.
    Tree(BuildSpec),
    /// An image, by a Docker engine.
    Image(ImageBuildSpec),
}

impl Build {
    /// The build of a tree, where it is one.
    pub fn tree(&self) -> Option<&BuildSpec> {
        match self {
            Self::Tree(build) => Some(build),
            Self::Image(_) => None,
        }
    }

    /// How long it may take.
    pub fn timeout(&self) -> Duration {
        match self {
            Self::Tree(build) => build.timeout,
            Self::Image(build) => build.timeout,
        }
    }
}

/// How a tree is made from the source tree. All paths are relative to the directory of
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
