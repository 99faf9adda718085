//! Which files a build depends on.
//!
//! Without declared inputs these are all files that git does not ignore; with them, the files that
//! match, less those that git ignores. What a glob names literally counts in any case:
//! `generated/**` means that directory even where git ignores it. `!glob` takes files out again.
//! The repository itself and the build's own outputs are never inputs, and `landfall.toml` only
//! where it is named: what of it matters to the build counts as a setting, and a change of a route
//! must not build anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;
use landfall_model::spec::BuildSpec;

use crate::error::BuildError;
use crate::outputs::{CONFIGURATION, check_inside};

/// The input files and links of a build, relative to `root`.
pub(crate) fn select(root: &Path, spec: &BuildSpec) -> Result<BTreeSet<PathBuf>, BuildError> {
    let mut files = candidates(root, spec)?;
    let is_named = spec
        .inputs
        .iter()
        .any(|input| clean(input) == Path::new(CONFIGURATION));
    if !is_named {
        files.remove(Path::new(CONFIGURATION));
    }
    Ok(files)
}

/// Every file of a source tree that git does not ignore, relative to `root`.
pub(crate) fn sources(root: &Path) -> Result<BTreeSet<PathBuf>, BuildError> {
    let mut files = walk(root, Path::new(""), true)?;
    files.remove(Path::new(CONFIGURATION));
    Ok(files)
}

fn candidates(root: &Path, spec: &BuildSpec) -> Result<BTreeSet<PathBuf>, BuildError> {
    let outputs = outputs_of(spec);
    if spec.inputs.is_empty() && spec.run.is_none() {
        // Nothing is made: what is shipped is what it depends on, ignored by git or not.
        return shipped(root, spec);
    }
    let mut files = if spec.inputs.is_empty() {
        walk(root, Path::new(""), true)?
    } else {
        matching(root, &spec.inputs)?
    };
    files.retain(|file| !outputs.iter().any(|output| file.starts_with(output)));
    Ok(files)
}

/// Where the command writes what it makes. An output that is the whole source tree excludes
/// nothing: then only git's rules tell sources from products.
fn outputs_of(spec: &BuildSpec) -> Vec<PathBuf> {
    let made = spec.output.iter().filter(|_| spec.run.is_some());
    made.map(|output| clean(&output.from))
        .filter(|path| !path.as_os_str().is_empty())
        .collect()
}

fn shipped(root: &Path, spec: &BuildSpec) -> Result<BTreeSet<PathBuf>, BuildError> {
    let mut files = BTreeSet::new();
    for output in &spec.output {
        check_inside(&output.from)?;
        let from = clean(&output.from);
        if root.join(&from).exists() {
            files.extend(walk(root, &from, false)?);
        }
    }
    Ok(files)
}

fn matching(root: &Path, inputs: &[String]) -> Result<BTreeSet<PathBuf>, BuildError> {
    let mut files = BTreeSet::new();
    let (out, within): (Vec<&String>, Vec<&String>) =
        inputs.iter().partition(|glob| glob.starts_with('!'));
    for input in within {
        check_inside(input)?;
        let base = literal_part(input);
        let whole = base == clean(input);
        let matcher = matcher(input)?;
        let found = match root.join(&base).symlink_metadata() {
            Ok(_) => walk(root, &base, true)?,
            Err(_) => BTreeSet::new(),
        };
        let before = files.len();
        let mut matched = found
            .into_iter()
            // A directory named literally stands for all that it holds.
            .filter(|file| whole || matcher.is_match(file))
            .peekable();
        if matched.peek().is_none() {
            return Err(BuildError::NoInput(input.clone()));
        }
        files.extend(matched);
        tracing::trace!(input, files = files.len() - before, "input selected");
    }
    for input in out {
        let matcher = matcher(&input[1..])?;
        files.retain(|file| !file.ancestors().any(|part| matcher.is_match(part)));
    }
    Ok(files)
}

fn matcher(glob: &str) -> Result<GlobMatcher, BuildError> {
    let cleaned = clean(glob);
    let built = GlobBuilder::new(&cleaned.to_string_lossy())
        .literal_separator(true)
        .build();
    match built {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(source) => Err(BuildError::BadGlob {
            glob: glob.to_owned(),
            source,
        }),
    }
}

/// The directories, or the whole path, before the first wildcard.
fn literal_part(glob: &str) -> PathBuf {
    let is_literal = |segment: &&str| !segment.contains(['*', '?', '[', '{', '\\']);
    clean(
        &glob
            .split('/')
            .take_while(is_literal)
            .collect::<Vec<_>>()
            .join("/"),
    )
}

/// Without `.` and doubled or trailing slashes.
pub(crate) fn clean(path: &str) -> PathBuf {
    Path::new(path)
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .collect()
}

/// Files and links below `base`, relative to `root`.
fn walk(root: &Path, base: &Path, git_rules: bool) -> Result<BTreeSet<PathBuf>, BuildError> {
    let start = root.join(base);
    let failed = |source| BuildError::Walk {
        path: start.clone(),
        source,
    };
    let walker = WalkBuilder::new(&start)
        .hidden(false)
        .ignore(false)
        .parents(git_rules)
        .git_ignore(git_rules)
        .git_exclude(git_rules)
        .git_global(git_rules)
        // An exported tree has the same inputs as the clone that it came from.
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let mut files = BTreeSet::new();
    for entry in walker {
        let entry = entry.map_err(failed)?;
        let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
        if let Ok(relative) = entry.path().strip_prefix(root)
            && !is_directory
        {
            files.insert(relative.to_owned());
        }
    }
    Ok(files)
}
