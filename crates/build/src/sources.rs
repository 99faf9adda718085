//! The source tree as a whole, for builds on another machine.

use std::path::Path;

use landfall_content::{ContentStore, Exclude, Ingested, TreeSource};

use crate::error::BuildError;
use crate::select::sources;

/// Takes every file of a source tree that git does not ignore into `store`, but for the repository
/// itself and `landfall.toml`. What a link leads to is taken in its place; a link that leads nowhere
/// is left out. Blocks; call it where that may be.
///
/// # Errors
/// When the tree cannot be read, or the store does not take it.
pub fn take_sources(root: &Path, store: &ContentStore) -> Result<Ingested, BuildError> {
    let files = sources(root)?;
    let files = files.iter().filter_map(|file| {
        let from = root.join(file);
        let to = file.to_str()?.to_owned();
        from.exists().then_some((from, to))
    });
    let files: Vec<_> = files.collect();
    let sources: Vec<TreeSource<'_>> = files
        .iter()
        .map(|(from, to)| TreeSource { from, to })
        .collect();
    Ok(store.ingest(&sources, &Exclude::nothing())?)
}
