//! Tree indexes: what a tree holds, in one canonical form.
//!
//! A [`TreeIndex`] that exists is sound: its paths stay inside, every parent is a directory of the
//! tree, and no symbolic link resolves to anything outside. It is checked when it is made and when
//! it is read, so the rest of the crate does not have to.
//!
//! The form, all integers little-endian:
//! `LFTREE`, format `u16`, number of entries `u64`, then the entries in byte order of their paths,
//! each `kind u8`, `path length u16`, path, and for a directory (`d`) `mode u16`, for a file (`f`)
//! `mode u16, size u64, digest [32]`, for a link (`l`) `target length u16`, target.

use std::collections::{BTreeSet, HashSet};

use landfall_model::Digest;

use crate::links;
use crate::path::{InvalidPath, MAX_PATH, TreePath};

/// The format of tree indexes that this build writes, and the newest that it reads.
pub const TREE_FORMAT: u16 = 1;

const MAGIC: &[u8; 6] = b"LFTREE";
/// The permission bits that a tree keeps. Set-id and sticky bits have no place in a release.
const MODE_MASK: u32 = 0o777;

/// A tree: sorted, complete, and unable to reach outside itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeIndex {
    entries: Vec<Entry>,
}

/// Something in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub path: TreePath,
    /// What.
    pub kind: EntryKind,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory, possibly empty.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A file.
    File {
        /// Permission bits.
        mode: u32,
        /// Bytes.
        size: u64,
        /// Digest of its content.
        digest: Digest,
    },
    /// A symbolic link that stays inside the tree; it may dangle.
    Symlink {
        /// As written.
        target: Vec<u8>,
    },
}

/// Why entries or bytes are no tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTree {
    /// A path that is none.
    #[error("a path is refused")]
    Path(#[from] InvalidPath),
    /// A path occurs twice.
    #[error("{0} occurs twice")]
    Duplicate(TreePath),
    /// A parent is missing, or a file or link.
    #[error("{0} lies in something that is not a directory of the tree")]
    ParentNotDirectory(TreePath),
    /// A link that reaches outside.
    #[error("the symbolic link {link} points outside the tree, to {target:?}")]
    EscapingLink {
        /// The link.
        link: TreePath,
        /// Its target, shown lossily.
        target: String,
    },
    /// A link target that is empty, too long or holds NUL.
    #[error("the symbolic link {0} has an impossible target")]
    BadTarget(TreePath),
    /// Mode bits besides permissions.
    #[error("{0} has mode bits that a tree cannot keep")]
    BadMode(TreePath),
    /// Not an index at all.
    #[error("it does not begin like a tree index")]
    NotAnIndex,
    /// Written by a newer Landfall.
    #[error("it has format {0}, newer than this build reads ({TREE_FORMAT})")]
    NewerFormat(u16),
    /// Bytes that the form does not allow.
    #[error("it is damaged at byte {0}")]
    Damaged(usize),
    /// The same tree has another, canonical form.
    #[error("its entries are not in canonical order")]
    NotCanonical,
}

impl TreeIndex {
    /// The tree of `entries`, in any order.
    ///
    /// # Errors
    /// When they make no sound tree.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, InvalidTree> {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        check(&entries)?;
        Ok(Self { entries })
    }

    /// Its entries in byte order of their paths; a directory comes before what it holds.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Its files, with the digests of their content.
    pub fn files(&self) -> impl Iterator<Item = (&TreePath, Digest)> {
        self.entries.iter().filter_map(|entry| match entry.kind {
            EntryKind::File { digest, .. } => Some((&entry.path, digest)),
            EntryKind::Directory { .. } | EntryKind::Symlink { .. } => None,
        })
    }

    /// The content that it needs.
    pub fn blobs(&self) -> BTreeSet<Digest> {
        self.files().map(|(_, digest)| digest).collect()
    }

    /// How many files it holds, and their bytes.
    pub fn totals(&self) -> (u64, u64) {
        self.entries
            .iter()
            .fold((0, 0), |(files, bytes), entry| match entry.kind {
                EntryKind::File { size, .. } => (files + 1, bytes.saturating_add(size)),
                EntryKind::Directory { .. } | EntryKind::Symlink { .. } => (files, bytes),
            })
    }

    /// The digest that names the tree.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }

    /// The canonical form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.entries.len() * 96);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&TREE_FORMAT.to_le_bytes());
        out.extend_from_slice(&(self.entries.len() as u64).to_le_bytes());
        for entry in &self.entries {
            encode_entry(&mut out, entry);
        }
        out
    }

    /// Reads a canonical form. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// When the bytes are not exactly the canonical form of a sound tree.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidTree> {
        let mut input = Input { bytes, at: 0 };
        if input.take(MAGIC.len()).ok() != Some(MAGIC) {
            return Err(InvalidTree::NotAnIndex);
        }
        let format = u16::from_le_bytes(input.array()?);
        if format > TREE_FORMAT {
            return Err(InvalidTree::NewerFormat(format));
        }
        let count = u64::from_le_bytes(input.array()?);
        // No capacity from `count`: it is not to be believed before the entries were seen.
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(decode_entry(&mut input)?);
        }
        if format == 0 || input.at != bytes.len() {
            return Err(InvalidTree::Damaged(input.at));
        }
        if !entries.is_sorted_by(|a, b| a.path <= b.path) {
            return Err(InvalidTree::NotCanonical);
        }
        check(&entries)?;
        Ok(Self { entries })
    }
}

fn check(entries: &[Entry]) -> Result<(), InvalidTree> {
    let mut directories = HashSet::new();
    let mut previous: Option<&TreePath> = None;
    for entry in entries {
        if previous == Some(&entry.path) {
            return Err(InvalidTree::Duplicate(entry.path.clone()));
        }
        previous = Some(&entry.path);
        if let Some(parent) = entry.path.parent()
            && !directories.contains(parent.as_bytes())
        {
            return Err(InvalidTree::ParentNotDirectory(entry.path.clone()));
        }
        match &entry.kind {
            EntryKind::Directory { mode } => {
                directories.insert(entry.path.as_bytes().to_vec());
                check_mode(entry, *mode)?;
            }
            EntryKind::File { mode, .. } => check_mode(entry, *mode)?,
            EntryKind::Symlink { target } => {
                if target.is_empty() || target.len() > MAX_PATH || target.contains(&0) {
                    return Err(InvalidTree::BadTarget(entry.path.clone()));
                }
            }
        }
    }
    links::check(entries)
}

fn check_mode(entry: &Entry, mode: u32) -> Result<(), InvalidTree> {
    if mode & !MODE_MASK == 0 {
        Ok(())
    } else {
        Err(InvalidTree::BadMode(entry.path.clone()))
    }
}

fn encode_entry(out: &mut Vec<u8>, entry: &Entry) {
    let kind = match entry.kind {
        EntryKind::Directory { .. } => b'd',
        EntryKind::File { .. } => b'f',
        EntryKind::Symlink { .. } => b'l',
    };
    out.push(kind);
    encode_bytes(out, entry.path.as_bytes());
    match &entry.kind {
        EntryKind::Directory { mode } => out.extend_from_slice(&mode.to_le_bytes()[..2]),
        EntryKind::File { mode, size, digest } => {
            out.extend_from_slice(&mode.to_le_bytes()[..2]);
            out.extend_from_slice(&size.to_le_bytes());
            out.extend_from_slice(digest.as_bytes());
        }
        EntryKind::Symlink { target } => encode_bytes(out, target),
    }
}

/// `bytes` are at most [`MAX_PATH`] long, by [`check`] and [`TreePath`].
fn encode_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn decode_entry(input: &mut Input<'_>) -> Result<Entry, InvalidTree> {
    let start = input.at;
    let [kind] = input.array()?;
    let path = TreePath::new(input.counted()?)?;
    let kind = match kind {
        b'd' => EntryKind::Directory {
            mode: u16::from_le_bytes(input.array()?).into(),
        },
        b'f' => EntryKind::File {
            mode: u16::from_le_bytes(input.array()?).into(),
            size: u64::from_le_bytes(input.array()?),
            digest: Digest::from_bytes(input.array()?),
        },
        b'l' => EntryKind::Symlink {
            target: input.counted()?.to_vec(),
        },
        _ => return Err(InvalidTree::Damaged(start)),
    };
    Ok(Entry { path, kind })
}

/// Bytes under a cursor that never runs past their end.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], InvalidTree> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..len).ok_or(InvalidTree::Damaged(self.at))?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], InvalidTree> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn counted(&mut self) -> Result<&'a [u8], InvalidTree> {
        let len = u16::from_le_bytes(self.array()?);
        self.take(len.into())
    }
}
