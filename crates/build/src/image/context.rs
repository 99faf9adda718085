//! The files of a context that BuildKit is to see.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::error::ImageBuildError;
use super::ignore::{Ignore, Matched};
use crate::error::{BuildError, Context as _};

/// The name of the ignore file, in the context's root.
const IGNORE_FILE: &str = ".dockerignore";

/// A directory that BuildKit copies from.
#[derive(Debug)]
pub(super) struct ContextDir {
    /// Where it is.
    pub root: PathBuf,
    ignore: Ignore,
}

/// A file, directory or link of a context.
#[derive(Debug)]
pub(super) struct Entry {
    /// Relative to the context, with `/`.
    pub path: String,
    /// Of itself, where it is a link.
    pub metadata: Metadata,
}

impl ContextDir {
    /// The context at `root`. `dockerfile` is where the instructions are that it is for: an ignore
    /// file beside them goes before that of the context.
    ///
    /// # Errors
    /// When there is no such directory, or its ignore file cannot be read.
    pub fn open(
        name: Option<&str>,
        root: PathBuf,
        dockerfile: Option<&Path>,
    ) -> Result<Self, ImageBuildError> {
        if !root.is_dir() {
            let name = name.map(str::to_owned);
            return Err(ImageBuildError::NoContext { name, path: root });
        }
        let own = dockerfile.map(|path| {
            let mut path = path.as_os_str().to_owned();
            path.push(IGNORE_FILE);
            PathBuf::from(path)
        });
        for path in own.into_iter().chain([root.join(IGNORE_FILE)]) {
            match fs::read(&path) {
                Ok(text) => {
                    let ignore = Ignore::parse(&String::from_utf8_lossy(&text))
                        .map_err(|pattern| ImageBuildError::BadIgnore { path, pattern })?;
                    return Ok(Self { root, ignore });
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Err::<(), _>(error)
                        .context("read", &path)
                        .unwrap_err()
                        .into());
                }
            }
        }
        let ignore = Ignore::default();
        Ok(Self { root, ignore })
    }

    /// What the ignore file leaves, in the order in which BuildKit wants it: by name, each
    /// directory before what is in it. Sockets, pipes and devices are left out.
    ///
    /// # Errors
    /// When a directory cannot be read, or a name is not UTF-8.
    pub fn entries(&self) -> Result<Vec<Entry>, ImageBuildError> {
        let mut entries = Vec::new();
        self.walk("", &Matched::default(), &mut entries)?;
        Ok(entries)
    }

    fn walk(
        &self,
        directory: &str,
        matched: &Matched,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ImageBuildError> {
        for (name, full) in children(&self.root.join(directory))? {
            let path = match directory {
                "" => name,
                directory => format!("{directory}/{name}"),
            };
            let metadata = fs::symlink_metadata(&full).context("read", &full)?;
            let (excluded, matched) = self.ignore.excludes(&path, matched);
            let is_directory = metadata.is_dir();
            let counts = is_directory || metadata.is_file() || metadata.is_symlink();
            if !counts || (excluded && !(is_directory && self.ignore.may_take_back_in(&path))) {
                continue;
            }
            let place = entries.len();
            entries.push(Entry {
                path: path.clone(),
                metadata,
            });
            if is_directory {
                self.walk(&path, &matched, entries)?;
            }
            // It is there for what was taken back in it.
            if excluded && entries.len() == place + 1 {
                entries.pop();
            }
        }
        Ok(())
    }
}

/// What is in a directory, by name.
fn children(directory: &Path) -> Result<Vec<(String, PathBuf)>, ImageBuildError> {
    let failed = |source| BuildError::Io {
        operation: "read the directory",
        path: directory.to_owned(),
        source,
    };
    let mut children = Vec::new();
    for child in fs::read_dir(directory).map_err(failed)? {
        let child = child.map_err(failed)?;
        let path = child.path();
        match child.file_name().into_string() {
            Ok(name) => children.push((name, path)),
            Err(_) => return Err(ImageBuildError::NotUtf8 { path }),
        }
    }
    children.sort();
    Ok(children)
}
