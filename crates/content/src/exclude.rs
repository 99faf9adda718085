//! What is left out of a tree.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::ContentError;

/// Globs, relative to the tree's root, of what is left out. `*` stays within one name, `**` goes
/// through directories; a directory that matches is left out with all that it holds.
#[derive(Debug, Clone)]
pub struct Exclude(GlobSet);

impl Exclude {
    /// Leaves nothing out.
    pub fn nothing() -> Self {
        Self(GlobSet::empty())
    }

    /// Reads globs.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn new(globs: &[String]) -> Result<Self, ContentError> {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            let bad = |source| ContentError::BadGlob {
                glob: glob.clone(),
                source,
            };
            let written = glob.trim_end_matches('/');
            set.add(
                GlobBuilder::new(written)
                    .literal_separator(true)
                    .build()
                    .map_err(bad)?,
            );
        }
        let bad = |source| ContentError::BadGlob {
            glob: globs.join(", "),
            source,
        };
        Ok(Self(set.build().map_err(bad)?))
    }

    /// Whether `path`, relative to the tree's root, is left out.
    pub fn matches(&self, path: &Path) -> bool {
        self.0.is_match(path)
    }
}
