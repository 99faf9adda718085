//! Hashing files, quickly: with a few threads, and not at all where nothing changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;

use landfall_model::Digest;

use crate::error::{BuildError, Context as _};
use crate::stat_cache::{Stamp, StatCache};

/// More threads would only take cores from running apps.
const MAX_THREADS: usize = 4;
/// Anyone may execute it, as git sees it: one bit for all three.
const EXECUTABLE: u32 = 0o111;

/// Permissions, and the bits that change them for others.
const PERMISSIONS: u32 = 0o7777;

/// What a file counts as: what it is, besides its content.
const PLAIN: u8 = b'f';
const PROGRAM: u8 = b'x';
const LINK: u8 = b'l';
const DIRECTORY: u8 = b'd';

/// Which permissions are part of what a file is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Permissions {
    /// Whether anyone may execute it, as git sees it.
    Executable,
    /// All: they reach what is made.
    All,
}

/// The digest of each of `paths` under `root`.
pub(crate) fn hash_files(
    root: &Path,
    paths: &BTreeSet<PathBuf>,
    permissions: Permissions,
    cache: Option<&Path>,
) -> Result<BTreeMap<String, Digest>, BuildError> {
    let known = cache.map(StatCache::load);
    let paths: Vec<&PathBuf> = paths.iter().collect();
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_THREADS);
    // Small shares, dealt in turn, so that no thread gets all the large files of a directory.
    let share = |first: usize| paths.iter().skip(first).step_by(threads).copied();
    let hash_share = |first| {
        share(first)
            .map(|path| hash_file(root, path, permissions, known.as_ref()))
            .collect::<Result<Vec<_>, _>>()
    };
    let shares = thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|first| scope.spawn(move || hash_share(first)))
            .collect();
        let mut shares = vec![hash_share(0)];
        for other in others {
            shares.push(
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        shares.into_iter().collect::<Result<Vec<_>, _>>()
    })?;
    let hashed: Vec<Hashed> = shares.into_iter().flatten().collect();
    if let Some(known) = known {
        known.save(hashed.iter().filter_map(Hashed::to_remember));
    }
    Ok(hashed
        .into_iter()
        .map(|file| (file.path, file.digest))
        .collect())
}

struct Hashed {
    path: String,
    digest: Digest,
    content: Digest,
    /// `None` for what is no file: a link is quicker read than looked up.
    stamp: Option<Stamp>,
}

impl Hashed {
    fn to_remember(&self) -> Option<(&str, Stamp, Digest)> {
        Some((&self.path, self.stamp?, self.content))
    }
}

fn hash_file(
    root: &Path,
    path: &Path,
    permissions: Permissions,
    known: Option<&StatCache>,
) -> Result<Hashed, BuildError> {
    let full = root.join(path);
    let name = name_of(path);
    let metadata = fs::symlink_metadata(&full).context("read", &full)?;
    if metadata.is_symlink() {
        let target = fs::read_link(&full).context("read the link", &full)?;
        let content = Digest::of(target.as_os_str().as_bytes());
        return Ok(Hashed {
            path: name,
            digest: tagged(&[LINK], content),
            content,
            stamp: None,
        });
    }
    let stamp = Stamp::of(&metadata);
    let remembered = known.and_then(|known| known.get(&name, &stamp));
    let content = match remembered {
        Some(content) => content,
        None => hash_content(&full, &metadata)?,
    };
    Ok(Hashed {
        path: name,
        digest: tagged(&tag(&metadata, permissions), content),
        content,
        stamp: metadata.is_file().then_some(stamp),
    })
}

fn tag(metadata: &Metadata, permissions: Permissions) -> Vec<u8> {
    let mode = metadata.mode();
    match permissions {
        Permissions::Executable if mode & EXECUTABLE == 0 => vec![PLAIN],
        Permissions::Executable => vec![PROGRAM],
        Permissions::All => {
            let kind = if metadata.is_dir() { DIRECTORY } else { PLAIN };
            let mut tag = vec![kind];
            tag.extend((mode & PERMISSIONS).to_be_bytes());
            tag
        }
    }
}

fn hash_content(path: &Path, metadata: &Metadata) -> Result<Digest, BuildError> {
    if !metadata.is_file() {
        // Sockets and pipes have no content to depend on, and reading one would wait for ever.
        return Ok(Digest::of(b""));
    }
    let mut hasher = blake3::Hasher::new();
    let mut file = File::open(path).context("open", path)?;
    io::copy(&mut file, &mut hasher).context("read", path)?;
    Ok(Digest::from_bytes(*hasher.finalize().as_bytes()))
}

fn tagged(tag: &[u8], content: Digest) -> Digest {
    let mut bytes = tag.to_vec();
    bytes.extend_from_slice(content.as_bytes());
    Digest::of(&bytes)
}

/// The path as text. What is no UTF-8 is escaped, so that two names never become one.
fn name_of(path: &Path) -> String {
    path.to_str().map_or_else(
        || path.as_os_str().as_bytes().escape_ascii().to_string(),
        str::to_owned,
    )
}
