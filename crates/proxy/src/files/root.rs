//! A directory of files, and what each request for one of them gets.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use globset::{Glob, GlobSet, GlobSetBuilder};
use landfall_model::snapshot::Files;

use super::answer::Answer;
use super::conditions::accepts_encoding;
use super::content_type::{content_type, is_compressible};
use super::lookup::{Found, Identity, Opened, open_beneath, open_root};
use super::path::{file_path, is_page};
use crate::http1::Method;
use crate::routing::CounterCells;

/// Files whose ETag is remembered.
const MAX_ETAGS: usize = 16 * 1024;
/// Up to this size the ETag is a hash of the content: the same file of two releases keeps its tag,
/// and two files never share one. Beyond it hashing would hold up other requests.
const MAX_HASHED: u64 = 16 << 20;

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    /// Path and query, as routed.
    pub(crate) path: &'a [u8],
    /// Path and query, as the client sent them.
    pub(crate) full_path: &'a [u8],
    pub(crate) accept: &'a [u8],
    pub(crate) accept_encoding: &'a [u8],
    pub(crate) if_none_match: Option<&'a [u8]>,
    pub(crate) if_range: Option<&'a [u8]>,
    pub(crate) range: Option<&'a [u8]>,
}

/// A directory that is served.
#[derive(Debug)]
pub(crate) struct FileRoot {
    files: Files,
    immutable: GlobSet,
    root: OnceLock<OwnedFd>,
    etags: Mutex<HashMap<String, (Identity, Arc<str>)>>,
    /// Where answers are counted; `None` for candidates.
    pub(crate) counters: Option<Arc<CounterCells>>,
}

/// A file that answers a request.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) opened: Opened,
    pub(super) content_type: &'static str,
    pub(super) encoding: Option<&'static str>,
    pub(super) varies: bool,
    pub(super) is_immutable: bool,
    pub(super) etag: Arc<str>,
}

impl FileRoot {
    /// Serves these files. A directory that is missing shows when it is asked for.
    pub(crate) fn new(files: &Files, counters: Option<Arc<CounterCells>>) -> Self {
        let mut globs = GlobSetBuilder::new();
        for glob in &files.immutable {
            match Glob::new(glob) {
                Ok(glob) => drop(globs.add(glob)),
                Err(error) => {
                    tracing::warn!(%error, glob, "a glob of immutable files is malformed")
                }
            }
        }
        Self {
            immutable: globs.build().unwrap_or_else(|_| GlobSet::empty()),
            files: files.clone(),
            root: OnceLock::new(),
            etags: Mutex::default(),
            counters,
        }
    }

    /// The directory.
    pub(crate) fn path(&self) -> &str {
        &self.files.root
    }

    /// Answers a request.
    pub(crate) fn answer(&self, ask: &Ask<'_>) -> Answer {
        if !matches!(ask.method, Method::Get | Method::Head) {
            return Answer::method_not_allowed();
        }
        self.try_answer(ask).unwrap_or_else(|error| {
            tracing::error!(%error, root = self.path(), "cannot read a file that was asked for");
            Answer::failed()
        })
    }

    fn try_answer(&self, ask: &Ask<'_>) -> io::Result<Answer> {
        let Some(path) = file_path(ask.path) else {
            return Ok(Answer::not_found());
        };
        let is_directory = path.is_empty() || path.ends_with('/');
        let found = if is_directory {
            self.choose(&format!("{path}index.html"), ask)?
        } else {
            match self.open(&path)? {
                Some(Found::Directory) if self.has_index(&path)? => {
                    return Ok(Answer::redirect_to_directory(ask.full_path));
                }
                Some(Found::File(_)) => self.choose(&path, ask)?,
                _ => None,
            }
        };
        if let Some(chosen) = found {
            return Answer::file(chosen, ask);
        }
        match &self.files.fallback {
            Some(fallback) if is_navigation(ask, &path) => match self.choose(fallback, ask)? {
                Some(chosen) => Answer::file(chosen, ask),
                None => Ok(Answer::not_found()),
            },
            _ => Ok(Answer::not_found()),
        }
    }

    fn has_index(&self, directory: &str) -> io::Result<bool> {
        let index = self.open(&format!("{directory}/index.html"))?;
        Ok(matches!(index, Some(Found::File(_))))
    }

    /// The file at a path, in the best encoding that the client accepts.
    fn choose(&self, path: &str, ask: &Ask<'_>) -> io::Result<Option<Chosen>> {
        let content_type = content_type(path);
        let varies = is_compressible(content_type);
        let plain = self.open(path)?;
        if !matches!(plain, Some(Found::File(_))) {
            return Ok(None);
        }
        let encodings = [("br", "br"), ("gzip", "gz")];
        for (encoding, extension) in encodings {
            if !varies || !accepts_encoding(ask.accept_encoding, encoding) {
                continue;
            }
            let sibling = format!("{path}.{extension}");
            if let Some(Found::File(opened)) = self.open(&sibling)? {
                let etag = self.etag(&sibling, &opened)?;
                return Ok(Some(self.chosen(path, opened, etag, Some(encoding))));
            }
        }
        let Some(Found::File(opened)) = plain else {
            return Ok(None);
        };
        let etag = self.etag(path, &opened)?;
        Ok(Some(self.chosen(path, opened, etag, None)))
    }

    fn chosen(
        &self,
        path: &str,
        opened: Opened,
        etag: Arc<str>,
        encoding: Option<&'static str>,
    ) -> Chosen {
        let content_type = content_type(path);
        Chosen {
            opened,
            content_type,
            encoding,
            varies: is_compressible(content_type),
            // A page keeps its name from release to release, whatever a glob says.
            is_immutable: !content_type.starts_with("text/html") && self.immutable.is_match(path),
            etag,
        }
    }

    fn open(&self, path: &str) -> io::Result<Option<Found>> {
        let directory = Path::new(&self.files.root);
        let root = match self.root.get() {
            Some(root) => root,
            None => {
                let opened = open_root(directory)?;
                self.root.get_or_init(|| opened)
            }
        };
        open_beneath(root, directory, path)
    }

    fn etag(&self, path: &str, opened: &Opened) -> io::Result<Arc<str>> {
        let mut etags = self.etags.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((identity, etag)) = etags.get(path)
            && *identity == opened.identity
        {
            return Ok(etag.clone());
        }
        let etag: Arc<str> = if opened.length <= MAX_HASHED {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(&opened.file)?;
            format!("\"{}\"", &hasher.finalize().to_hex()[..32]).into()
        } else {
            let (device, inode, length, modified, changed) = opened.identity;
            format!("\"{device:x}-{inode:x}-{length:x}-{modified:x}-{changed:x}\"").into()
        };
        if etags.len() >= MAX_ETAGS {
            etags.clear();
        }
        etags.insert(path.to_owned(), (opened.identity, etag.clone()));
        Ok(etag)
    }
}

/// Whether a browser asks for a page, as opposed to something a page refers to: answering a script
/// with a page would only hide that it is missing.
fn is_navigation(ask: &Ask<'_>, path: &str) -> bool {
    let wants_html = memchr::memmem::find(ask.accept, b"text/html").is_some();
    wants_html && is_page(path)
}
