//! Making trees and bringing them over.

use std::fs;
use std::path::Path;

use landfall_content::transfer::{ReceivedTree, Sent, TransferError, TreeWants};
use landfall_content::{ContentStore, Exclude, Ingested, TreeSource};
use landfall_model::Digest;
use tempfile::TempDir;

use crate::support::noise;

pub const SEGMENT: usize = 4 << 20;

pub fn new_store() -> (TempDir, ContentStore) {
    let home = tempfile::tempdir().unwrap();
    let store = ContentStore::open(&home.path().join("content")).unwrap();
    (home, store)
}

pub fn ingest(store: &ContentStore, from: &Path) -> Ingested {
    let source = TreeSource { from, to: "." };
    store.ingest(&[source], &Exclude::nothing()).unwrap()
}

/// Takes a tree of these files into a store.
pub fn tree(store: &ContentStore, files: &[(&str, &[u8])]) -> Digest {
    let source = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = source.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    ingest(store, source.path()).digest
}

/// Two versions of a tree: one file is another, two are new, and one is gone.
pub fn two_versions(store: &ContentStore) -> (Digest, Digest) {
    let mut changed = noise(1, 2000);
    let first = tree(store, &[("changing", &changed), ("same", b"1")]);
    changed[1000] ^= 1;
    let new = [("new/a", noise(2, 60)), ("new/b", b"2".to_vec())];
    let mut files: Vec<(&str, &[u8])> = vec![("changing", &changed)];
    files.extend(new.iter().map(|(path, bytes)| (*path, bytes.as_slice())));
    (first, tree(store, &files))
}

/// What went over.
#[derive(Debug)]
pub struct Brought {
    pub wants: TreeWants,
    pub index: usize,
    pub sent: Sent,
    pub tree: ReceivedTree,
}

impl Brought {
    /// Bytes in the direction of the receiver.
    pub fn wire(&self) -> usize {
        self.index + self.sent.wire_bytes as usize
    }
}

/// Offers a tree: what is wanted of it.
pub fn offer(
    from: &ContentStore,
    to: &ContentStore,
    tree: &Digest,
    bases: &[Digest],
) -> Result<TreeWants, TransferError> {
    let index = from.send_tree(tree)?.index(bases)?;
    to.offer_tree(tree, &mut index.as_slice(), bases)
}

/// The stream that answers `wants`.
pub fn stream(from: &ContentStore, wants: &TreeWants) -> Vec<u8> {
    let mut stream = Vec::new();
    let sender = from.send_tree(&wants.tree).unwrap();
    let sent = sender.send(wants, &mut stream, &|_| {}).unwrap();
    assert_eq!(sent.wire_bytes, stream.len() as u64);
    stream
}

/// Brings a tree over.
pub fn bring(
    from: &ContentStore,
    to: &ContentStore,
    tree: &Digest,
    bases: &[Digest],
) -> Result<Brought, TransferError> {
    let sender = from.send_tree(tree)?;
    let index = sender.index(bases)?;
    let wants = to.offer_tree(tree, &mut index.as_slice(), bases)?;
    let mut stream = Vec::new();
    let sent = sender.send(&wants, &mut stream, &|_| {})?;
    // What else is on the stream is left there.
    stream.extend_from_slice(b"more");
    let mut input = stream.as_slice();
    let received = to.receive_blobs(tree, &mut input)?;
    assert_eq!((input, received.bytes), (b"more".as_slice(), wants.bytes));
    assert_eq!(
        (sent.content_bytes, sent.wire_bytes),
        (wants.bytes, stream.len() as u64 - 4)
    );
    Ok(Brought {
        wants,
        index: index.len(),
        sent,
        tree: to.finish_tree(tree)?,
    })
}

/// Whether a store is sound, and has nothing unfinished but what can go on.
#[track_caller]
pub fn check(home: &Path, store: &ContentStore) {
    assert_eq!(store.verify().unwrap().broken, []);
    assert_eq!(names(&home.join("content/tmp")), [""; 0]);
}

/// Takes an offer back, as an hour without it would.
pub fn forget(home: &Path, tree: &Digest) {
    fs::remove_file(home.join("content/offers").join(tree.hex())).unwrap();
}

pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
