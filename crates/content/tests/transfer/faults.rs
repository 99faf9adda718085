//! Full disks and killed processes leave no tree half there.
//!
//! These tests run themselves again in a child process: to be killed, or to own a small filesystem.

use std::collections::BTreeSet;

use landfall_content::ContentStore;
use landfall_content::transfer::{Room, TransferError};
use landfall_model::Digest;

use crate::bring::{SEGMENT, bring, check, forget, names, new_store, offer, stream, tree};
use crate::deadly::{Deadly, KILL_AT, run_until_killed};
use crate::support::{again_on_small_disk, child_directory, noise};

/// A tree of so many small files, and a large one of `large` bytes.
fn tree_of(store: &ContentStore, small: u64, large: usize) -> Digest {
    let files: Vec<(String, Vec<u8>)> = (0..small)
        .map(|number| (format!("f{number}"), noise(number, 12_000)))
        .chain([("large".to_owned(), noise(1000, large))])
        .collect();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, content)| (path.as_str(), content.as_slice()))
        .collect();
    tree(store, &files)
}

/// Brings trees to a small disk, larger ones each time, and has it full at every place.
fn fill(trees: impl Iterator<Item = (u64, usize)>) {
    let Some(disk) = child_directory() else {
        panic!("called in a child");
    };
    let source = tempfile::Builder::new().tempdir_in("/var/tmp").unwrap();
    let from = ContentStore::open(&source.path().join("content")).unwrap();
    let to = ContentStore::open(&disk.join("content")).unwrap();
    let (mut full, mut fitted) = (0, 0);
    for (small, large) in trees {
        let sent = tree_of(&from, small, large);
        match bring(&from, &to, &sent, &[]) {
            Ok(_) => {
                fitted += 1;
                assert!(to.contains_tree(&sent));
            }
            Err(error) => {
                full += 1;
                assert!(error.is_disk_full(), "{error:?}");
                assert!(!to.contains_tree(&sent));
                assert_eq!(names(&disk.join("content/trees")), [""; 0]);
            }
        }
        check(&disk, &to);
        if !to.contains_tree(&sent) {
            forget(&disk, &sent);
        }
        let to = ContentStore::open(&disk.join("content")).unwrap();
        to.collect_garbage(&BTreeSet::new()).unwrap();
        assert_eq!(names(&disk.join("content/parts")), [""; 0]);
    }
    assert!(full > 2 && fitted > 2, "{full} were full, {fitted} fitted");
}

#[test]
fn c6_a_full_disk_while_small_files_come_is_said_and_leaves_no_tree() {
    const NAME: &str = "faults::c6_a_full_disk_while_small_files_come_is_said_and_leaves_no_tree";
    match child_directory() {
        None => again_on_small_disk(NAME, "1m"),
        Some(_) => fill((40..120).step_by(4).map(|small| (small, 10))),
    }
}

#[test]
fn c6_a_full_disk_while_a_large_file_comes_is_said_and_leaves_no_tree() {
    const NAME: &str = "faults::c6_a_full_disk_while_a_large_file_comes_is_said_and_leaves_no_tree";
    match child_directory() {
        None => again_on_small_disk(NAME, "16m"),
        Some(_) => fill(
            (1..6)
                .map(|segments| (3, segments * SEGMENT + SEGMENT / 2))
                .chain([
                    (3, SEGMENT + 1),
                    (3, 3 * SEGMENT + 9),
                    (90, 3 * SEGMENT - 100),
                    (340, 3 * SEGMENT),
                ]),
        ),
    }
}

#[test]
fn c6_a_disk_without_room_is_said_before_anything_is_sent() {
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    let sent = tree_of(&from, 3, 100);
    let mut wants = offer(&from, &to, &sent, &[]).unwrap();
    let Room { total, free } = to.room().unwrap();
    assert!(free <= total && total > 0);
    wants.bytes = u64::MAX;
    let error = to.check_room(&wants).unwrap_err();
    assert!(
        matches!(error, TransferError::NoRoom(_)) && error.is_disk_full(),
        "{error:?}"
    );
    assert!(error.to_string().contains("remove old releases"), "{error}");
}

#[test]
fn c6_a_transfer_whose_receiver_is_killed_goes_on() {
    const NAME: &str = "faults::c6_a_transfer_whose_receiver_is_killed_goes_on";
    let (_source, from) = new_store();
    let sent = tree_of(&from, 40, 9 << 20);
    if let Some(home) = child_directory() {
        let at = std::env::var(KILL_AT).unwrap().parse().unwrap();
        let store = ContentStore::open(&home.join("content")).unwrap();
        let whole = stream(&from, &offer(&from, &store, &sent, &[]).unwrap());
        let mut deadly = Deadly {
            bytes: &whole,
            left: whole.len().min(at),
        };
        let _ = store.receive_blobs(&sent, &mut deadly);
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let mut left = Vec::new();
    for at in [100, 300_000, 2 << 20, 5 << 20, 5 << 20] {
        run_until_killed(NAME, home.path(), at);
        let store = ContentStore::open(&home.path().join("content")).unwrap();
        assert!(!store.contains_tree(&sent));
        check(home.path(), &store);
        store.collect_garbage(&BTreeSet::new()).unwrap();
        left.push(offer(&from, &store, &sent, &[]).unwrap().bytes);
    }
    assert!(left.is_sorted_by(|a, b| a >= b), "{left:?}");
    let store = ContentStore::open(&home.path().join("content")).unwrap();
    let last = bring(&from, &store, &sent, &[]).unwrap();
    assert!(last.wants.bytes < 2 << 20, "{left:?}");
    assert!(store.contains_tree(&sent));
    check(home.path(), &store);
}
