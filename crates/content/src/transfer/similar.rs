//! Which file of an earlier tree a new one is probably made from.
//!
//! The file at the same path, or one whose path differs only in what looks like a hash of content:
//! `chunks/page-3f2a91bc.js` comes from another `chunks/page-….js`. A wrong guess costs nothing, as
//! a patch is sent only where it is smaller.

use std::collections::{BTreeSet, HashMap};

use landfall_model::Digest;

use super::wants::Base;
use crate::index::{EntryKind, TreeIndex};
use crate::path::TreePath;

/// Smaller files gain less by a patch than naming its base takes.
const SMALLEST: u64 = 256;
/// Shorter runs of letters and digits are words.
const SHORTEST_HASH: usize = 6;
/// Segments of paths from this length on may hold any separators and be a hash all the same.
const LONG_HASH: usize = 16;

/// An earlier tree.
pub(super) struct Earlier<'a> {
    by_path: HashMap<&'a TreePath, Base>,
    /// What a new tree does not have any more, by what stays of its path without hashes.
    by_shape: HashMap<Vec<u8>, Vec<Base>>,
}

impl<'a> Earlier<'a> {
    /// `kept` is what the new tree has, `is_here` whether the store holds a content.
    pub fn new(
        tree: &'a TreeIndex,
        kept: &BTreeSet<Digest>,
        is_here: impl Fn(&Digest) -> bool,
    ) -> Self {
        let mut earlier = Self {
            by_path: HashMap::new(),
            by_shape: HashMap::new(),
        };
        for entry in tree.entries() {
            let EntryKind::File { size, digest, .. } = entry.kind else {
                continue;
            };
            if size == 0 || !is_here(&digest) {
                continue;
            }
            let base = Base { digest, size };
            earlier.by_path.insert(&entry.path, base);
            if !kept.contains(&digest) {
                let alike = earlier.by_shape.entry(shape(&entry.path)).or_default();
                alike.push(base);
            }
        }
        earlier
    }

    /// What a new file of `size` bytes at `path` is probably made from.
    pub fn base_of(&self, path: &TreePath, size: u64) -> Option<Base> {
        if size < SMALLEST {
            return None;
        }
        if let Some(base) = self.by_path.get(path) {
            return Some(*base);
        }
        let alike = self.by_shape.get(&shape(path))?;
        // Nothing else tells several apart; the first of those that are as near wins.
        let nearest = alike.iter().min_by_key(|base| base.size.abs_diff(size));
        nearest.copied()
    }
}

/// A path with a star in place of everything that looks like a hash.
fn shape(path: &TreePath) -> Vec<u8> {
    let segments: Vec<Vec<u8>> = path.segments().map(segment_shape).collect();
    segments.join(&b'/')
}

fn segment_shape(segment: &[u8]) -> Vec<u8> {
    let is_long = segment.len() >= LONG_HASH && !segment.contains(&b'.');
    if is_long && looks_random(segment) && segment.iter().any(u8::is_ascii_uppercase) {
        return b"*".to_vec();
    }
    let mut shape = Vec::with_capacity(segment.len());
    let mut rest = segment;
    while !rest.is_empty() {
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric());
        let (word, after) = rest.split_at(word.count());
        match is_hash(word) {
            true => shape.push(b'*'),
            false => shape.extend_from_slice(word),
        }
        let (separator, after) = after.split_at(after.len().min(1));
        shape.extend_from_slice(separator);
        rest = after;
    }
    shape
}

fn is_hash(word: &[u8]) -> bool {
    word.len() >= SHORTEST_HASH && (looks_random(word) || word.iter().all(u8::is_ascii_hexdigit))
}

/// Words have no digits, and capitals at their beginning alone.
fn looks_random(word: &[u8]) -> bool {
    let capital = word.iter().skip(1).any(u8::is_ascii_uppercase);
    capital || word.iter().any(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Entry;

    #[test]
    fn names_keep_their_words_and_lose_their_hashes() {
        for (path, expected) in [
            ("static/chunks/page-3f2a91bc.js", "static/chunks/page-*.js"),
            ("assets/index-DiwrgTda.js", "assets/index-*.js"),
            ("css/deadbeef.css", "css/*.css"),
            (
                "static/xK3-Zq_8aLm2NvB0pQrSt/_ssgManifest.js",
                "static/*/_*.js",
            ),
            (
                "[root-of-the-server]__3f2a9b1c._.js",
                "[root-of-the-server]__*._.js",
            ),
            ("app/server.js", "app/server.js"),
            (
                "node_modules/next/dist/index.js",
                "node_modules/next/dist/index.js",
            ),
        ] {
            let found = shape(&TreePath::new(path).unwrap());
            assert_eq!(String::from_utf8_lossy(&found), expected);
        }
    }

    fn tree(files: &[(&str, u64)]) -> TreeIndex {
        let directory = |path: &str| Entry {
            path: TreePath::new(path).unwrap(),
            kind: EntryKind::Directory { mode: 0o755 },
        };
        let file = |(path, size): &(&str, u64)| Entry {
            path: TreePath::new(*path).unwrap(),
            kind: EntryKind::File {
                mode: 0o644,
                size: *size,
                digest: Digest::of(path.as_bytes()),
            },
        };
        TreeIndex::new(
            [directory("c")]
                .into_iter()
                .chain(files.iter().map(file))
                .collect(),
        )
        .unwrap()
    }

    #[test]
    fn a_file_comes_from_its_path_or_from_the_nearest_that_is_gone() {
        let old = tree(&[
            ("c/a-11111111.js", 1000),
            ("c/a-22222222.js", 3000),
            ("c/a-33333333.js", 2000),
            ("c/same.js", 500),
            ("c/lost.js", 500),
        ]);
        let kept = BTreeSet::from([Digest::of(b"c/a-33333333.js")]);
        let lost = Digest::of(b"c/lost.js");
        let earlier = Earlier::new(&old, &kept, |digest| *digest != lost);
        let base_of = |path: &str, size| {
            let base = earlier.base_of(&TreePath::new(path).unwrap(), size);
            base.map(|base| base.digest)
        };
        assert_eq!(base_of("c/same.js", 900), Some(Digest::of(b"c/same.js")));
        assert_eq!(
            base_of("c/a-44444444.js", 2100),
            Some(Digest::of(b"c/a-22222222.js"))
        );
        assert_eq!(
            base_of("c/a-44444444.js", 300),
            Some(Digest::of(b"c/a-11111111.js"))
        );
        assert_eq!(base_of("c/lost.js", 900), None);
        assert_eq!(base_of("c/b-44444444.js", 2100), None);
        assert_eq!(base_of("c/same.js", 10), None);
    }
}
