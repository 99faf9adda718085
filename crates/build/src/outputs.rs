//! Taking what a build made into the content store.

use std::fs;
use std::path::{Component, Path, PathBuf};

use landfall_content::{ContentStore, Exclude, Ingested, TreeSource};
use landfall_model::spec::{BuildSpec, OutputSpec};

use crate::error::{BuildError, Context as _};
use crate::select::clean;

/// Never part of an artifact: history does not belong on a server, least of all in a web root.
const NEVER: &str = "**/.git";
/// The file that says how to build and run all this. The app has no use for it, and a web root is
/// no place for it.
pub(crate) const CONFIGURATION: &str = "landfall.toml";
/// Names that an error shows of what is there instead of an output.
const SHOWN: usize = 8;

/// Takes the outputs of a build into `store`. The artifact is kept from garbage collection while
/// [`Ingested::hold`] lives. Blocks; call it where that may be.
///
/// # Errors
/// When an output is missing, empty or outside the source tree, or the store does not take it.
pub fn collect_outputs(
    root: &Path,
    spec: &BuildSpec,
    store: &ContentStore,
) -> Result<Ingested, BuildError> {
    let real_root = fs::canonicalize(root).context("read", root)?;
    let found = spec
        .output
        .iter()
        .map(|output| find(&real_root, output, spec.run.is_some()))
        .collect::<Result<Vec<_>, _>>()?;
    let places: Vec<String> = found
        .iter()
        .zip(&spec.output)
        .map(|(from, output)| place(from, output))
        .collect();
    let sources: Vec<TreeSource<'_>> = found
        .iter()
        .zip(&places)
        .map(|(from, to)| TreeSource { from, to })
        .collect();
    let globs = left_out(spec);
    let ingested = store.ingest(&sources, &Exclude::new(&globs)?)?;
    // A program of the host needs no file of the project but the one that names it.
    let as_it_is = spec.run.is_none() && spec.output.iter().any(is_whole);
    if ingested.files == 0 && !as_it_is {
        let from: Vec<&str> = spec
            .output
            .iter()
            .map(|output| output.from.as_str())
            .collect();
        return Err(BuildError::EmptyOutput {
            from: from.join(", "),
        });
    }
    Ok(ingested)
}

/// Globs of what is not part of the artifact.
fn left_out(spec: &BuildSpec) -> Vec<String> {
    let whole = spec.output.iter().filter(|output| is_whole(output));
    let configuration = whole.map(|output| {
        let place = clean(&output.to).join(CONFIGURATION);
        place.to_string_lossy().into_owned()
    });
    let declared = spec.exclude.iter().cloned();
    declared
        .chain([NEVER.into()])
        .chain(configuration)
        .collect()
}

/// Whether an output is the whole source tree.
fn is_whole(output: &OutputSpec) -> bool {
    clean(&output.from).as_os_str().is_empty()
}

/// Where an output really is.
fn find(root: &Path, output: &OutputSpec, built: bool) -> Result<PathBuf, BuildError> {
    let from = output.from.clone();
    check_inside(&from)?;
    let path = root.join(&from);
    let real = match fs::canonicalize(&path) {
        Err(error) if is_absent(&error) => return Err(missing(root, from, built)),
        real => real.context("read", &path)?,
    };
    if !real.starts_with(root) {
        return Err(BuildError::OutsideOutput { from, real });
    }
    let is_empty = real.is_dir() && fs::read_dir(&real).context("list", &real)?.next().is_none();
    if is_empty {
        return Err(BuildError::EmptyOutput { from });
    }
    Ok(real)
}

/// Where an output goes in the artifact. Its root is a directory, so a file goes below it.
fn place(from: &Path, output: &OutputSpec) -> String {
    let name = Path::new(&output.from).file_name();
    match name {
        Some(name) if from.is_file() && output.to == "." => name.to_string_lossy().into_owned(),
        _ => output.to.clone(),
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn missing(root: &Path, from: String, built: bool) -> BuildError {
    let nearest = Path::new(&from)
        .ancestors()
        .skip(1)
        .find(|ancestor| root.join(ancestor).is_dir())
        .filter(|ancestor| !ancestor.as_os_str().is_empty());
    let place = nearest.map_or_else(|| root.to_owned(), |nearest| root.join(nearest));
    BuildError::NoOutput {
        nearest: nearest.map(Path::to_owned),
        holds: names_in(&place),
        from,
        built,
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    if names.len() > SHOWN {
        let more = names.len() - SHOWN;
        names.truncate(SHOWN);
        names.push(format!("and {more} more"));
    }
    names
}

/// Refuses a path that leaves the source tree by its name.
pub(crate) fn check_inside(path: &str) -> Result<(), BuildError> {
    let inside = !path.is_empty()
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if inside {
        Ok(())
    } else {
        Err(BuildError::OutsidePath(path.to_owned()))
    }
}
