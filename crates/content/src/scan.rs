//! Finding what makes a tree: walks the sources, decides names and links, reads no content.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fs::{self, Metadata};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

use crate::error::{ContentError, Context as _};
use crate::exclude::Exclude;
use crate::ingest::TreeSource;
use crate::path::TreePath;

/// The owner can always look into and clear a directory of a release …
const OWNER_DIRECTORY: u32 = 0o700;
/// … and read its files.
const OWNER_FILE: u32 = 0o400;
const PERMISSIONS: u32 = 0o777;

/// What the sources hold.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By place in the tree.
    pub(crate) entries: BTreeMap<TreePath, Planned>,
    /// Files whose place another source took already. Harmless when their content is the same.
    pub(crate) doubles: Vec<(TreePath, PathBuf)>,
}

/// Something that will be in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Planned {
    Directory { mode: u32 },
    File { source: PathBuf, mode: u32 },
    Symlink { source: PathBuf, target: Vec<u8> },
}

/// A source with all links of its own path resolved, and its place; `None` is the tree's root.
struct Root {
    from: PathBuf,
    as_given: PathBuf,
    to: Option<TreePath>,
}

/// Walks `sources`.
pub(crate) fn scan(sources: &[TreeSource<'_>], exclude: &Exclude) -> Result<Found, ContentError> {
    let roots = sources
        .iter()
        .map(|source| {
            Ok(Root {
                from: fs::canonicalize(source.from).context("read", source.from)?,
                as_given: std::path::absolute(source.from).context("read", source.from)?,
                to: place(source.to)?,
            })
        })
        .collect::<Result<Vec<_>, ContentError>>()?;
    let mut scan = Scan {
        roots: &roots,
        exclude,
        found: Found::default(),
    };
    for root in &roots {
        scan.add_parents(root.to.as_ref())?;
        scan.walk(&root.from, root.to.clone())?;
    }
    Ok(scan.found)
}

/// `.`, or a path in the tree; `./` before and `/` after it are tolerated.
fn place(to: &str) -> Result<Option<TreePath>, ContentError> {
    let trimmed = to.strip_prefix("./").unwrap_or(to);
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    match (to, trimmed) {
        ("." | "./", _) => Ok(None),
        (_, trimmed) => Ok(Some(TreePath::new(trimmed)?)),
    }
}

struct Scan<'a> {
    roots: &'a [Root],
    exclude: &'a Exclude,
    found: Found,
}

impl Scan<'_> {
    /// Makes the directories that lead to a source's place.
    fn add_parents(&mut self, to: Option<&TreePath>) -> Result<(), ContentError> {
        let mut parent = to.and_then(TreePath::parent);
        while let Some(path) = parent {
            parent = path.parent();
            self.add(path, Planned::Directory { mode: 0o755 })?;
        }
        Ok(())
    }

    fn walk(&mut self, from: &Path, to: Option<TreePath>) -> Result<(), ContentError> {
        let mut todo = vec![(from.to_owned(), to)];
        while let Some((source, path)) = todo.pop() {
            if path
                .as_ref()
                .is_some_and(|path| self.exclude.matches(path.as_path()))
            {
                continue;
            }
            let metadata = fs::symlink_metadata(&source).context("read", &source)?;
            if metadata.is_dir() {
                for entry in fs::read_dir(&source).context("list", &source)? {
                    let name = entry.context("list", &source)?.file_name();
                    let child = match &path {
                        Some(path) => path.join(&name)?,
                        None => TreePath::new(name.as_bytes())?,
                    };
                    todo.push((source.join(&name), Some(child)));
                }
            }
            match path {
                Some(path) => {
                    let planned = self.plan(source, &path, &metadata)?;
                    self.add(path, planned)?;
                }
                None if metadata.is_dir() => {}
                // A file has to have a name in the tree.
                None => return Err(TreePath::new("").map(drop).unwrap_err().into()),
            }
        }
        Ok(())
    }

    fn plan(
        &self,
        source: PathBuf,
        path: &TreePath,
        metadata: &Metadata,
    ) -> Result<Planned, ContentError> {
        let kind = metadata.file_type();
        let mode = metadata.mode() & PERMISSIONS;
        if kind.is_dir() {
            Ok(Planned::Directory {
                mode: mode | OWNER_DIRECTORY,
            })
        } else if kind.is_file() {
            Ok(Planned::File {
                source,
                mode: mode | OWNER_FILE,
            })
        } else if kind.is_symlink() {
            let target = self.target(&source, path)?;
            Ok(Planned::Symlink { source, target })
        } else {
            let kind = match kind {
                kind if kind.is_socket() => "socket",
                kind if kind.is_fifo() => "named pipe",
                _ => "device",
            };
            Err(ContentError::SpecialFile { path: source, kind })
        }
    }

    /// What a link has to say in the tree. As it is written where that leads to the same place;
    /// rewritten where its target is shipped, but to another place; refused where it is not.
    fn target(&self, source: &Path, path: &TreePath) -> Result<Vec<u8>, ContentError> {
        let target = fs::read_link(source).context("read the link", source)?;
        let base = source.parent().unwrap_or(Path::new("/"));
        let meant = lexically_normal(&base.join(&target));
        let Some(place) = self.place_of(&meant) else {
            return Err(ContentError::EscapingLink {
                link: source.to_owned(),
                target: target.to_string_lossy().into_owned(),
            });
        };
        let here = path.parent();
        let here = here.as_ref().map_or(Path::new(""), TreePath::as_path);
        let stays = target.is_relative()
            && lexically_normal(&Path::new("/").join(here).join(&target))
                == Path::new("/").join(&place)
            && !climbs_out(here, &target);
        if stays {
            return Ok(target.into_os_string().into_vec());
        }
        Ok(relative(here, &place).into_os_string().into_vec())
    }

    /// Where in the tree a path of the machine goes, if any source ships it.
    fn place_of(&self, path: &Path) -> Option<PathBuf> {
        self.roots.iter().find_map(|root| {
            let below = path
                .strip_prefix(&root.from)
                .or_else(|_| path.strip_prefix(&root.as_given))
                .ok()?;
            let to = root.to.as_ref().map_or(Path::new(""), TreePath::as_path);
            Some(to.join(below))
        })
    }

    fn add(&mut self, path: TreePath, planned: Planned) -> Result<(), ContentError> {
        let slot = match self.found.entries.entry(path) {
            Slot::Vacant(slot) => {
                slot.insert(planned);
                return Ok(());
            }
            Slot::Occupied(slot) => slot,
        };
        match (slot.get(), planned) {
            (Planned::Directory { .. }, Planned::Directory { .. }) => Ok(()),
            (Planned::File { source: first, .. }, Planned::File { source, .. }) => {
                if *first != source {
                    self.found.doubles.push((slot.key().clone(), source));
                }
                Ok(())
            }
            (Planned::Symlink { target: first, .. }, Planned::Symlink { target, .. })
                if *first == target =>
            {
                Ok(())
            }
            (first, second) => Err(ContentError::Conflict {
                path: slot.key().clone(),
                first: first.source(),
                second: second.source(),
            }),
        }
    }
}

impl Planned {
    fn source(&self) -> PathBuf {
        match self {
            Self::Directory { .. } => PathBuf::from("a directory"),
            Self::File { source, .. } | Self::Symlink { source, .. } => source.clone(),
        }
    }
}

/// The path without `.` and `..`, by its text alone.
fn lexically_normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// Whether `target`, read in the directory `here` of the tree, goes above the root on its way.
fn climbs_out(here: &Path, target: &Path) -> bool {
    let mut depth = here.components().count();
    for component in target.components() {
        match component {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
    }
    false
}

/// The way from the directory `here` to `place`, both relative to the tree's root.
fn relative(here: &Path, place: &Path) -> PathBuf {
    let shared = here
        .components()
        .zip(place.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = here.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(place.components().skip(shared)).collect();
    if way.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        way
    }
}
