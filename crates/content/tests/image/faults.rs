//! Full disks and killed processes leave no image half there.
//!
//! Some tests run themselves again in a child process: to be killed, or to own a small filesystem.

use std::collections::BTreeSet;
use std::path::Path;

use landfall_content::ContentStore;

use crate::deadly::{Deadly, KILL_AT, run_until_killed};
use crate::exports::{Layout, Made, archive};
use crate::support::{again_on_small_disk, child_directory, noise};

/// An image of so many files, some of which are equal.
fn image(files: u64) -> Made {
    let names: Vec<String> = (0..files).map(|number| format!("f{number}")).collect();
    let contents: Vec<Vec<u8>> = (0..files)
        .map(|number| noise(number % 90, 4096))
        .chain([noise(1000, 5 << 20)])
        .collect();
    let all: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&contents)
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    let (lower, upper) = all.split_at(all.len() / 2);
    Made::new(vec![archive(lower), archive(upper)])
}

fn is_empty(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
}

#[test]
fn b2_a_full_disk_while_an_image_is_taken_in_is_said_and_leaves_nothing() {
    const NAME: &str =
        "faults::b2_a_full_disk_while_an_image_is_taken_in_is_said_and_leaves_nothing";
    let Some(disk) = child_directory() else {
        return again_on_small_disk(NAME, "1m");
    };
    let root = disk.join("content");
    let store = ContentStore::open(&root).unwrap();
    let (mut full, mut fitted) = (0, 0);
    for files in (40..120).step_by(4) {
        let names: Vec<String> = (0..files).map(|number| format!("f{number}")).collect();
        let contents: Vec<Vec<u8>> = (0..files).map(|number| noise(number, 12_000)).collect();
        let all: Vec<(&str, &[u8])> = names
            .iter()
            .zip(&contents)
            .map(|(name, content)| (name.as_str(), content.as_slice()))
            .collect();
        let made = Made::new(vec![archive(&all)]);
        match store.ingest_image(&made.id(), &mut made.export(Layout::Oci).as_slice()) {
            Ok(_) => {
                fitted += 1;
                assert!(store.contains_image(&made.id()));
            }
            Err(error) => {
                full += 1;
                assert!(error.is_disk_full(), "{error:?}");
                assert!(is_empty(&root.join("images")));
            }
        }
        assert!(is_empty(&root.join("tmp")));
        assert_eq!(store.verify().unwrap().broken, []);
        store.collect_garbage(&BTreeSet::new()).unwrap();
        assert!(is_empty(&root.join("images")));
    }
    assert!(full > 3 && fitted > 3, "{full} were full, {fitted} fitted");
}

#[test]
fn b7_an_image_is_there_whole_or_not_when_its_ingest_is_killed() {
    const NAME: &str = "faults::b7_an_image_is_there_whole_or_not_when_its_ingest_is_killed";
    let made = image(60);
    let export = made.export(Layout::Directories);
    if let Some(home) = child_directory() {
        let at = std::env::var(KILL_AT).unwrap().parse().unwrap();
        let store = ContentStore::open(&home.join("content")).unwrap();
        let mut deadly = Deadly {
            bytes: &export,
            left: at,
        };
        let _ = store.ingest_image(&made.id(), &mut deadly);
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("content");
    for at in (0..export.len()).step_by(export.len() / 9) {
        run_until_killed(NAME, home.path(), at);
        let store = ContentStore::open(&root).unwrap();
        assert!(store.images().unwrap().is_empty(), "killed at {at}");
        assert!(is_empty(&root.join("tmp")), "killed at {at}");
        assert_eq!(store.verify().unwrap().broken, []);
    }
    let store = ContentStore::open(&root).unwrap();
    store
        .ingest_image(&made.id(), &mut export.as_slice())
        .unwrap();
    assert!(store.contains_image(&made.id()));
}
