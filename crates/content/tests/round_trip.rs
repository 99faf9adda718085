//! Any tree comes out as it went in, and no bytes make the reader panic or reach outside.

#[path = "support/forged.rs"]
mod forged;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use landfall_content::{
    ContentStore, Entry, EntryKind, Exclude, InvalidTree, TreeIndex, TreePath, TreeSource,
};
use landfall_model::Digest;

use crate::forged::index_with_name;
use proptest::prelude::*;

/// Something of a random tree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Directory(u32, BTreeMap<OsString, Node>),
    File(u32, Vec<u8>),
    /// To a sibling, by its name; it may dangle.
    Symlink(OsString),
}

fn name() -> impl Strategy<Value = OsString> {
    prop_oneof![
        "[a-z]{1,3}".prop_map(OsString::from),
        "[ -.0-~äöüßéλЖ日本🦀]{1,6}".prop_map(OsString::from),
        proptest::collection::vec(1_u8..=255, 1..6).prop_map(OsString::from_vec),
    ]
    .prop_filter("names that Linux takes", |name| {
        let bytes = name.as_bytes();
        bytes != b"." && bytes != b".." && !bytes.contains(&b'/')
    })
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 0..64),
        // Incompressible, and compressible, around the sizes where the form at rest changes.
        proptest::collection::vec(any::<u8>(), 4000..9000),
        (any::<u8>(), 4000_usize..200_000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn directory() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        4 => (0o400_u32..=0o777, content()).prop_map(|(mode, bytes)| Node::File(mode | 0o400, bytes)),
        1 => name().prop_map(Node::Symlink),
        1 => Just(Node::Directory(0o755, BTreeMap::new())),
    ];
    let node = leaf.prop_recursive(4, 40, 6, |inner| {
        (
            0o700_u32..=0o777,
            proptest::collection::btree_map(name(), inner, 0..6),
        )
            .prop_map(|(mode, children)| Node::Directory(mode, children))
    });
    proptest::collection::btree_map(name(), node, 0..8)
        .prop_map(|children| Node::Directory(0o755, children))
}

fn write(node: &Node, path: &Path) {
    match node {
        Node::Directory(mode, children) => {
            fs::create_dir(path).unwrap();
            for (name, child) in children {
                write(child, &path.join(name));
            }
            fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        Node::File(mode, bytes) => {
            fs::write(path, bytes).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        Node::Symlink(target) => symlink(target, path).unwrap(),
    }
}

fn read(path: &Path) -> Node {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_symlink() {
        Node::Symlink(fs::read_link(path).unwrap().into_os_string())
    } else if metadata.is_dir() {
        let children = fs::read_dir(path).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name(), read(&entry.path()))
        });
        Node::Directory(mode, children.collect())
    } else {
        Node::File(mode, fs::read(path).unwrap())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_comes_out_as_it_went_in(tree in directory()) {
        let home = tempfile::tempdir().unwrap();
        let store = ContentStore::open(&home.path().join("content")).unwrap();
        let (source, dest) = (home.path().join("source"), home.path().join("dest"));
        write(&tree, &source);
        let sources = [TreeSource { from: &source, to: "." }];
        let ingested = store.ingest(&sources, &Exclude::nothing()).unwrap();
        store.materialise(&ingested.digest, &dest).unwrap();
        prop_assert_eq!(read(&dest), tree);
        let again = [TreeSource { from: &dest, to: "." }];
        prop_assert_eq!(store.ingest(&again, &Exclude::nothing()).unwrap().digest, ingested.digest);
    }
}

fn entry(path: &str, kind: EntryKind) -> Entry {
    Entry {
        path: TreePath::new(path).unwrap(),
        kind,
    }
}

fn directory_at(path: &str) -> Entry {
    entry(path, EntryKind::Directory { mode: 0o755 })
}

fn file_at(path: &str) -> Entry {
    let digest = Digest::of(b"x");
    entry(
        path,
        EntryKind::File {
            mode: 0o644,
            size: 1,
            digest,
        },
    )
}

fn link_at(path: &str, target: &str) -> Entry {
    entry(
        path,
        EntryKind::Symlink {
            target: target.into(),
        },
    )
}

fn sample() -> TreeIndex {
    TreeIndex::new(vec![
        directory_at("a"),
        directory_at("a/empty"),
        file_at("a/f"),
        link_at("a/l", "../b"),
        file_at("b"),
    ])
    .unwrap()
}

/// Whether a tree of `entries` is refused, both when it is made and when its form is read.
fn refusal(entries: Vec<Entry>) -> InvalidTree {
    TreeIndex::new(entries).unwrap_err()
}

#[test]
fn an_index_reads_back_as_it_was_written_and_its_form_does_not_change() {
    let index = sample();
    let bytes = index.encode();
    assert_eq!(TreeIndex::decode(&bytes).unwrap(), index);
    // A digest names a tree on every server for ever: a changed form needs a new format number.
    assert_eq!(index.digest().hex(), FORM_1);
}

const FORM_1: &str = "79959fde4910b40990e92bb2489a1a8f157a7ea9280d891f4b75bf4e2e6911f9";

#[test]
fn a_file_that_is_also_a_directory_and_a_name_that_occurs_twice_are_refused() {
    let twice = refusal(vec![file_at("a"), file_at("a")]);
    assert!(matches!(twice, InvalidTree::Duplicate(_)), "{twice}");
    for parent in [file_at("a"), link_at("a", "b"), file_at("b")] {
        let error = refusal(vec![parent, file_at("a/f")]);
        assert!(
            matches!(error, InvalidTree::ParentNotDirectory(_)),
            "{error}"
        );
    }
}

#[test]
fn links_that_reach_outside_are_refused_however_they_are_written() {
    for (name, links) in [
        ("absolute", vec![link_at("l", "/etc/passwd")]),
        ("above the root", vec![link_at("l", "../x")]),
        ("above the root and back", vec![link_at("l", "a/../../x")]),
        ("from below", vec![link_at("a/b/l", "../../../x")]),
        // By its text `a/b/up/../x` is `a/b/x`; through the link it is above the root.
        (
            "through another link",
            vec![link_at("a/b/up", "../.."), link_at("l", "a/b/up/../x")],
        ),
        (
            "through a link to a link",
            vec![
                link_at("a/b/one", "two"),
                link_at("a/b/two", "../.."),
                link_at("l", "a/b/one/../../x"),
            ],
        ),
    ] {
        let mut entries = vec![directory_at("a"), directory_at("a/b")];
        entries.extend(links);
        let error = refusal(entries);
        assert!(
            matches!(error, InvalidTree::EscapingLink { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn links_that_stay_inside_dangle_or_go_round_in_circles_are_kept() {
    TreeIndex::new(vec![
        directory_at("a"),
        link_at("a/up", ".."),
        link_at("a/through", "up/a/up/b"),
        link_at("dangling", "no/such/file"),
        link_at("one", "two"),
        link_at("two", "one"),
        link_at("itself", "itself/x"),
    ])
    .unwrap();
}

#[test]
fn impossible_modes_and_targets_are_refused() {
    let mode = EntryKind::Directory { mode: 0o4755 };
    assert!(matches!(
        refusal(vec![entry("d", mode)]),
        InvalidTree::BadMode(_)
    ));
    for target in [String::new(), "a\0b".into(), "x".repeat(5000)] {
        let error = refusal(vec![link_at("l", &target)]);
        assert!(matches!(error, InvalidTree::BadTarget(_)), "{error}");
    }
}

#[test]
fn bytes_that_are_not_the_canonical_form_are_refused() {
    let bytes = sample().encode();
    for len in 0..bytes.len() {
        assert!(
            TreeIndex::decode(&bytes[..len]).is_err(),
            "{len} bytes were accepted"
        );
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(TreeIndex::decode(&longer).is_err());
    let mut newer = bytes.clone();
    newer[6] = 2;
    assert_eq!(TreeIndex::decode(&newer), Err(InvalidTree::NewerFormat(2)));
    let mut endless = bytes;
    endless[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(TreeIndex::decode(&endless).is_err());
}

#[test]
fn hostile_names_in_an_index_are_refused() {
    assert!(TreeIndex::decode(&index_with_name(b"fine")).is_ok());
    for name in [
        &b""[..],
        b"/abs",
        b"..",
        b"../x",
        b".",
        b"a/",
        b"a//b",
        b"a\0",
        b"a/b",
    ] {
        let shown = OsStr::from_bytes(name);
        assert!(
            TreeIndex::decode(&index_with_name(name)).is_err(),
            "{shown:?} was accepted"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = TreeIndex::decode(&bytes);
        let mut framed = sample().encode()[..8].to_vec();
        framed.extend_from_slice(&bytes);
        let _ = TreeIndex::decode(&framed);
    }

    #[test]
    fn a_damaged_index_is_refused_or_sound(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut bytes = sample().encode();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(index) = TreeIndex::decode(&bytes) {
            // What is accepted has exactly one form, and names nothing outside.
            prop_assert_eq!(index.encode(), bytes);
            for entry in index.entries() {
                let inside = PathBuf::from("/tree").join(entry.path.as_path());
                prop_assert!(inside.starts_with("/tree") && !inside.components().any(|c| c.as_os_str() == ".."));
            }
        }
    }
}
