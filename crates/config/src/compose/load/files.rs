//! The files of a project: found, read, and named as a person would.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostics::{Diagnostic, Source};

/// The code of files that are missing or cannot be read.
const CODE: &str = "compose-file";

/// Bytes of a file, at most.
const MAX_BYTES: u64 = 16 << 20;

/// Files of a project, at most. Files may bring in files.
const MAX_FILES: usize = 1000;

/// Names of Compose files, the preferred one first.
const NAMES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

/// Names of files that are laid over those.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// Reads files, each once.
pub(super) struct Files {
    /// Paths below it are shown without it.
    directory: PathBuf,
    read: HashMap<PathBuf, Arc<Source>>,
}

impl Files {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            read: HashMap::new(),
        }
    }

    /// A file whose lines may be shown.
    pub(super) fn read(&mut self, path: &str) -> Result<Arc<Source>, Diagnostic> {
        self.source(path, Source::new)
    }

    /// A file that holds secrets.
    pub(super) fn read_secret(&mut self, path: &str) -> Result<Arc<Source>, Diagnostic> {
        self.source(path, Source::confidential)
    }

    fn source(
        &mut self,
        path: &str,
        source: fn(String, String) -> Source,
    ) -> Result<Arc<Source>, Diagnostic> {
        let key = PathBuf::from(path);
        if let Some(known) = self.read.get(&key) {
            return Ok(Arc::clone(known));
        }
        let shown = self.shown(&key);
        if self.read.len() >= MAX_FILES {
            let message = format!("the project brings in more than {MAX_FILES} files");
            return Err(Diagnostic::error(CODE, message));
        }
        let text = text_of(&key)
            .map_err(|error| Diagnostic::error(CODE, format!("failed to read {shown}: {error}")))?;
        let source = Arc::new(source(shown, text));
        self.read.insert(key, Arc::clone(&source));
        Ok(source)
    }

    /// The path as a person in the directory would write it.
    pub(super) fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.directory);
        below.unwrap_or(path).display().to_string()
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    if path.is_dir() {
        return Err("it is a directory".into());
    }
    let file = File::open(path).map_err(|error| plain(&error))?;
    let mut bytes = Vec::new();
    // Its size is no bound: devices have none, and no end.
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| plain(&error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("it is larger than {} MiB", MAX_BYTES >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".into())
}

fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        _ => error.to_string(),
    }
}

/// The Compose files of a directory, or of the nearest one above that has some.
pub(super) fn find(directory: &Path) -> Vec<PathBuf> {
    let existing = |directory: &Path, names: &[&str]| {
        let mut paths = names.iter().map(|name| directory.join(name));
        paths.find(|path| path.exists())
    };
    for directory in directory.ancestors() {
        if let Some(found) = existing(directory, &NAMES) {
            let over = existing(directory, &OVERRIDES);
            return std::iter::once(found).chain(over).collect();
        }
    }
    Vec::new()
}

/// An error about the request itself.
pub(super) fn nothing_found(directory: &Path) -> Diagnostic {
    let message = format!(
        "there is no Compose file in {} or above it",
        directory.display()
    );
    Diagnostic::error(CODE, message).fix("name one with `-f FILE`")
}
