//! Transfers of trees: never a panic, whatever the stream, and nothing becomes content but what the
//! offered tree has. Run with `cargo +nightly fuzz run transfer`.

#![no_main]

use std::cell::LazyCell;

use landfall_content::transfer::TRANSFER_FORMAT;
use landfall_content::{ContentStore, Entry, EntryKind, TreeIndex, TreePath};
use landfall_model::Digest;
use libfuzzer_sys::fuzz_target;

const CONTENT: &[u8] = b"what the tree has";

struct Offered {
    _home: tempfile::TempDir,
    store: ContentStore,
    tree: Digest,
    /// As a sender gives it.
    index: Vec<u8>,
}

thread_local! {
    static OFFERED: LazyCell<Offered> = LazyCell::new(offered);
}

/// A store to which a tree of a small file and a large one was offered.
fn offered() -> Offered {
    let home = tempfile::tempdir().expect("a directory");
    let store = ContentStore::open(&home.path().join("content")).expect("a store");
    let file = |path: &str, content: &[u8], size| Entry {
        path: TreePath::new(path).expect("a path"),
        kind: EntryKind::File {
            mode: 0o644,
            size,
            digest: Digest::of(content),
        },
    };
    let files = vec![
        file("large", b"never comes", 9 << 20),
        file("small", CONTENT, CONTENT.len() as u64),
    ];
    let bytes = TreeIndex::new(files).expect("a tree").encode();
    Offered {
        _home: home,
        store,
        tree: Digest::of(&bytes),
        index: [vec![0], packed(&bytes)].concat(),
    }
}

fn packed(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).expect("memory is no file")
}

/// What a stream begins with.
fn head(tree: &Digest) -> Vec<u8> {
    let format = TRANSFER_FORMAT.to_le_bytes();
    [b"LFMOVE".as_slice(), &format, tree.as_bytes()].concat()
}

fuzz_target!(|input: (&[u8], &[u8], u8)| {
    let (raw, content, number) = input;
    OFFERED.with(|offered| {
        let store = &offered.store;
        let mut index = offered.index.as_slice();
        let offer = store.offer_tree(&offered.tree, &mut index, &[]);
        offer.expect("a sound offer is taken");
        let other = Digest::of(raw);
        let _ = store.offer_tree(
            &other,
            &mut [&[0], packed(raw).as_slice()].concat().as_slice(),
            &[],
        );
        let _ = store.offer_tree(&other, &mut &*raw, &[]);

        let lengths = |packed: &[u8]| (packed.len() as u32).to_le_bytes();
        let (whole, many) = (packed(content), packed(raw));
        let framed = [
            head(&offered.tree),
            vec![b'w', number % 3, 0, 0, 0, 0],
            lengths(&whole).to_vec(),
            whole,
            vec![b'p'],
            (raw.len() as u32).to_le_bytes().to_vec(),
            lengths(&many).to_vec(),
            many,
            vec![b'e'],
        ];
        for stream in [
            framed.concat(),
            [head(&offered.tree), raw.to_vec()].concat(),
            raw.to_vec(),
        ] {
            let _ = store.receive_blobs(&offered.tree, &mut stream.as_slice());
        }
        let verified = store.verify().expect("a store");
        assert!(
            verified.broken.is_empty() && verified.blobs <= 1,
            "{verified:?}"
        );
        assert!(store.finish_tree(&offered.tree).is_err());
    });
});
