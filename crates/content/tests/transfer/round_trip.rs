//! Any tree arrives as it was sent, and what the receiver has does not travel.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use landfall_content::transfer::TreeWants;
use proptest::prelude::*;

use crate::bring::{bring, check, ingest, new_store, offer, stream, tree};
use crate::support::noise;

fn text(lines: usize) -> Vec<u8> {
    let line = |line| format!("line {line} of {} lines\n", line * line % 1009);
    (0..lines).map(line).collect::<String>().into_bytes()
}

#[test]
fn c6_everything_travels_to_an_empty_store_and_nothing_to_one_that_has_it() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let source = tempfile::tempdir().unwrap();
    let at = |path: &str| source.path().join(path);
    for directory in ["bin", "lib/deep", "empty"] {
        fs::create_dir_all(at(directory)).unwrap();
    }
    fs::write(at("bin/run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(at("bin/run"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(at("lib/nothing"), "").unwrap();
    fs::write(at("lib/one"), text(900)).unwrap();
    fs::write(at("lib/deep/same"), text(900)).unwrap();
    fs::write(at("lib/naïve 日本"), noise(1, 700_000)).unwrap();
    fs::write(at("large"), noise(2, 10 << 20)).unwrap();
    fs::write(at("large text"), text(300_000)).unwrap();
    fs::write(at("two segments"), noise(3, 8 << 20)).unwrap();
    symlink("bin/run", at("link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    let sent = ingest(&from, source.path());

    let brought = bring(&from, &to, &sent.digest, &[]).unwrap();
    assert_eq!(brought.wants.blobs.len(), 7);
    assert_eq!(
        (brought.tree.files, brought.tree.bytes),
        (sent.files, sent.bytes)
    );
    assert!(to.contains_tree(&sent.digest));
    check(home.path(), &to);
    let dest = home.path().join("dest");
    to.materialise(&sent.digest, &dest).unwrap();
    assert_eq!(ingest(&from, &dest).digest, sent.digest);

    let again = bring(&from, &to, &sent.digest, &[sent.digest]).unwrap();
    assert!(again.wants.is_empty() && again.wire() < 200, "{again:?}");
    assert_eq!(to.finish_tree(&sent.digest).unwrap().files, sent.files);
}

#[test]
fn c6_of_a_tree_with_one_changed_file_less_than_that_file_travels() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let others: Vec<(String, Vec<u8>)> = (0..500)
        .map(|number| (format!("lib/{number}.js"), noise(number, 900)))
        .collect();
    let version = |changed: &[u8]| {
        let mut files: Vec<(&str, &[u8])> = vec![("server.js", changed)];
        files.extend(
            others
                .iter()
                .map(|(path, bytes)| (path.as_str(), bytes.as_slice())),
        );
        tree(&from, &files)
    };
    let mut server = noise(1000, 300_000);
    let first = version(&server);
    server.splice(150_000..150_010, *b"a changed line");
    let second = version(&server);

    bring(&from, &to, &first, &[]).unwrap();
    let brought = bring(&from, &to, &second, &[first]).unwrap();
    let [wanted] = brought.wants.blobs.as_slice() else {
        panic!("{:?}", brought.wants);
    };
    assert_eq!((wanted.size, brought.wants.bytes), (300_004, 300_004));
    assert_eq!(wanted.base.unwrap().size, 300_000);
    assert!(brought.wire() < 1000, "{} bytes", brought.wire());
    check(home.path(), &to);
}

#[test]
fn c6_a_file_whose_name_has_a_new_hash_is_a_patch_of_the_old_one() {
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    let mut page = noise(1, 80_000);
    let first = tree(
        &from,
        &[
            ("chunks/page-3f2a91bc.js", &page),
            ("chunks/main-77aa01bc.js", b"1"),
        ],
    );
    page.extend_from_slice(b"more");
    let second = tree(
        &from,
        &[
            ("chunks/page-9d01e2f3.js", &page),
            ("chunks/main-77aa01bc.js", b"1"),
        ],
    );
    bring(&from, &to, &first, &[]).unwrap();
    let brought = bring(&from, &to, &second, &[first]).unwrap();
    assert!(brought.wire() < 500, "{} bytes", brought.wire());
    assert!(to.contains_tree(&second));
}

#[test]
fn c6_a_large_file_with_changes_travels_as_patches_of_its_segments() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let mut large = noise(1, 11 << 20);
    let first = tree(&from, &[("data", &large)]);
    large.splice(100..100, noise(2, 5000));
    large.truncate(10 << 20);
    large[7 << 20] ^= 1;
    let second = tree(&from, &[("data", &large)]);
    bring(&from, &to, &first, &[]).unwrap();
    let brought = bring(&from, &to, &second, &[first]).unwrap();
    assert!(brought.wire() < 20_000, "{} bytes", brought.wire());
    check(home.path(), &to);
}

#[test]
fn a_base_that_helps_nothing_or_is_not_here_is_not_used() {
    let ((_a, from), (_b, other), (_c, to)) = (new_store(), new_store(), new_store());
    // Only the receiver has the first, and its files have nothing in common with the second.
    let (small, large) = (noise(1, 30_000), noise(2, 5 << 20));
    let first = tree(
        &other,
        &[("a", &small), ("b", &large), ("c", &noise(5, 600_000))],
    );
    let (small, large) = (noise(3, 30_000), noise(4, 5 << 20));
    let files: [(&str, &[u8]); 3] = [("a", &small), ("b", &large), ("c", &noise(6, 600_000))];
    let second = tree(&from, &files);
    bring(&other, &to, &first, &[]).unwrap();
    let wants = offer(&from, &to, &second, &[first]).unwrap();
    assert!(wants.blobs.iter().all(|blob| blob.base.is_some()));
    let without = stream(&from, &wants);
    tree(
        &from,
        &[
            ("a", &noise(1, 30_000)),
            ("b", &noise(2, 5 << 20)),
            ("c", &noise(5, 600_000)),
        ],
    );
    assert_eq!(stream(&from, &wants), without);
    to.receive_blobs(&second, &mut without.as_slice()).unwrap();
    to.finish_tree(&second).unwrap();
}

#[test]
fn what_is_wanted_can_be_written_as_json() {
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    let first = tree(&from, &[("a", &noise(1, 3000)), ("b", b"1")]);
    let second = tree(&from, &[("a", &noise(2, 3000)), ("b", b"2")]);
    bring(&from, &to, &first, &[]).unwrap();
    let wants = offer(&from, &to, &second, &[first]).unwrap();
    let json = serde_json::to_string(&wants).unwrap();
    assert!(
        !json.contains("null") && !json.contains("present"),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<TreeWants>(&json).unwrap(), wants);
}

#[test]
fn progress_is_told_and_ends_with_what_was_sent() {
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    let sent = tree(&from, &[("a", &noise(1, 9 << 20)), ("b", b"2")]);
    let wants = offer(&from, &to, &sent, &[]).unwrap();
    let told = std::cell::RefCell::new(Vec::new());
    let sender = from.send_tree(&sent).unwrap();
    let end = sender
        .send(&wants, &mut Vec::new(), &|sent| {
            told.borrow_mut().push(sent)
        })
        .unwrap();
    let told = told.into_inner();
    assert!(told.is_sorted_by_key(|sent| (sent.content_bytes, sent.wire_bytes)));
    assert_eq!((told.last(), told.len()), (Some(&end), 6));
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 0..64),
        (0..20_u64, 200_usize..20_000).prop_map(|(seed, len)| noise(seed, len)),
        (any::<u8>(), 500_usize..600_000).prop_map(|(byte, len)| vec![byte; len]),
        (0..3_u64, (4_usize << 20)..(5 << 20)).prop_map(|(seed, len)| noise(seed, len)),
    ]
}

fn files() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    proptest::collection::btree_map("[a-c]/[a-d]-[0-9a-f]{8}\\.js|[a-f]\\.[xy]", content(), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn c6_any_version_of_a_tree_arrives_after_any_other(first in files(), second in files()) {
        let ((_a, from), (home, to)) = (new_store(), new_store());
        let [first, second] = [first, second].map(|files| {
            let files: Vec<_> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
            tree(&from, &files)
        });
        for (sent, bases) in [(first, vec![]), (second, vec![first])] {
            bring(&from, &to, &sent, &bases).unwrap();
            prop_assert!(to.contains_tree(&sent));
        }
        check(home.path(), &to);
        for (number, sent) in [first, second].iter().enumerate() {
            let dest = home.path().join(number.to_string());
            to.materialise(sent, &dest).unwrap();
            prop_assert_eq!(ingest(&from, &dest).digest, *sent);
        }
    }
}
