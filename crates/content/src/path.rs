//! Paths inside a tree: relative, `/`-separated, raw bytes.
//!
//! Linux file names are bytes, not text, so a path is kept as the bytes it is and shown lossily.
//! A [`TreePath`] cannot name anything outside its tree, whatever bytes it was made from.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The longest file name that Linux filesystems take, in bytes.
const MAX_SEGMENT: usize = 255;
/// `PATH_MAX` less its terminator: programs could not open what is longer.
pub(crate) const MAX_PATH: usize = 4095;

/// A path below the root of a tree; never empty, absolute, or with `.`, `..` or NUL in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(Vec<u8>);

/// Bytes that are no path inside a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a path inside a tree: {fault}")]
pub struct InvalidPath {
    /// The bytes, shown lossily.
    pub path: String,
    /// What is wrong with them.
    pub fault: PathFault,
}

/// What makes bytes unfit as a path inside a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
    /// It starts at the root of the machine.
    #[error("it is absolute")]
    Absolute,
    /// Two slashes in a row, or one at the end.
    #[error("it has an empty segment")]
    EmptySegment,
    /// `.` or `..` as a segment.
    #[error("it has `.` or `..` as a segment")]
    Dots,
    /// A NUL byte.
    #[error("it holds a NUL byte")]
    Nul,
    /// A name that no filesystem takes.
    #[error("it has a segment of more than 255 bytes")]
    SegmentTooLong,
    /// A path that no program can open.
    #[error("it has more than 4095 bytes")]
    TooLong,
}

impl TreePath {
    /// Checks `bytes`.
    ///
    /// # Errors
    /// When they could name something outside the tree, or nothing at all.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, InvalidPath> {
        let bytes = bytes.into();
        match fault_of(&bytes) {
            None => Ok(Self(bytes)),
            Some(fault) => Err(InvalidPath {
                path: String::from_utf8_lossy(&bytes).into_owned(),
                fault,
            }),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as the system takes it, relative to the tree's root.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The names from the root down.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/')
    }

    /// The last name.
    pub fn name(&self) -> &OsStr {
        OsStr::from_bytes(self.segments().next_back().unwrap_or_default())
    }

    /// The directory that holds it; `None` for the tree's root.
    pub fn parent(&self) -> Option<TreePath> {
        let slash = self.0.iter().rposition(|byte| *byte == b'/')?;
        Some(Self(self.0[..slash].to_vec()))
    }

    /// The path of `name` in this directory.
    ///
    /// # Errors
    /// When `name` is not a name.
    pub fn join(&self, name: &OsStr) -> Result<Self, InvalidPath> {
        let mut bytes = self.0.clone();
        bytes.push(b'/');
        bytes.extend_from_slice(name.as_bytes());
        Self::new(bytes)
    }
}

fn fault_of(bytes: &[u8]) -> Option<PathFault> {
    if bytes.is_empty() {
        return Some(PathFault::Empty);
    }
    if bytes.starts_with(b"/") {
        return Some(PathFault::Absolute);
    }
    if bytes.len() > MAX_PATH {
        return Some(PathFault::TooLong);
    }
    if bytes.contains(&0) {
        return Some(PathFault::Nul);
    }
    bytes
        .split(|byte| *byte == b'/')
        .find_map(|segment| match segment {
            b"" => Some(PathFault::EmptySegment),
            b"." | b".." => Some(PathFault::Dots),
            long if long.len() > MAX_SEGMENT => Some(PathFault::SegmentTooLong),
            _ => None,
        })
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_tree_are_refused() {
        let long = "x".repeat(256);
        let too_long = "x/".repeat(2048) + "x";
        for (bytes, fault) in [
            (&b""[..], PathFault::Empty),
            (b"/etc/passwd", PathFault::Absolute),
            (b"..", PathFault::Dots),
            (b"a/../b", PathFault::Dots),
            (b".", PathFault::Dots),
            (b"a/./b", PathFault::Dots),
            (b"a//b", PathFault::EmptySegment),
            (b"a/", PathFault::EmptySegment),
            (b"a\0b", PathFault::Nul),
            (long.as_bytes(), PathFault::SegmentTooLong),
            (too_long.as_bytes(), PathFault::TooLong),
        ] {
            let error = TreePath::new(bytes).unwrap_err();
            assert_eq!(error.fault, fault, "{:?}", error.path);
        }
    }

    #[test]
    fn names_that_only_look_odd_are_kept() {
        for bytes in [
            &b"..."[..],
            b"a/..b",
            b"\xff\xfe",
            "naïve/日本".as_bytes(),
            b"a\\b",
            b" ",
        ] {
            assert_eq!(TreePath::new(bytes).unwrap().as_bytes(), bytes);
        }
    }
}
