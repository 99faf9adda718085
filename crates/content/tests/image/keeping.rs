//! What the store keeps of images, and for how long.

use std::collections::BTreeSet;
use std::fs;

use landfall_content::image::ImageError;
use landfall_content::{Broken, ContentError, ContentStore};

use crate::exports::{Layout, Made, archive, new_store};
use crate::support::noise;

fn two() -> (Made, Made) {
    let base = archive(&[("lib", &noise(1, 9000))]);
    let with = |seed| Made::new(vec![base.clone(), archive(&[("app", &noise(seed, 9000))])]);
    (with(2), with(3))
}

fn ingest(store: &ContentStore, made: &Made) -> landfall_content::Hold {
    store
        .ingest_image(&made.id(), &mut made.export(Layout::Oci).as_slice())
        .unwrap()
        .hold
}

#[test]
fn garbage_is_what_no_kept_or_held_image_needs() {
    let (first, second) = two();
    let (_home, store) = new_store();
    let hold = ingest(&store, &first);
    drop(ingest(&store, &second));
    let keep = BTreeSet::from([second.id()]);
    let nothing = store.collect_garbage(&keep).unwrap();
    assert_eq!((nothing.images, nothing.blobs), (0, 0));
    drop(hold);
    let collected = store.collect_garbage(&keep).unwrap();
    // Of its own: an index, a recipe, a chunk, a file.
    assert_eq!((collected.images, collected.blobs), (1, 4));
    assert!(!store.contains_image(&first.id()) && store.contains_image(&second.id()));
    let all = store.collect_garbage(&BTreeSet::new()).unwrap();
    assert_eq!((all.images, all.blobs), (1, 7));
    assert!(matches!(
        store.image(&second.id()),
        Err(ImageError::NoImage(_))
    ));
}

#[test]
fn layers_that_are_there_are_passed_over_and_shared() {
    let (first, second) = two();
    let (_home, store) = new_store();
    let _hold = ingest(&store, &first);
    for layout in [Layout::Oci, Layout::Directories] {
        let ingested = store
            .ingest_image(&second.id(), &mut second.export(layout).as_slice())
            .unwrap();
        assert!(ingested.new_bytes < 12_000, "{}", ingested.new_bytes);
        assert!(store.contains_image(&second.id()));
    }
}

#[test]
fn what_is_damaged_is_found_and_comes_back_with_the_next_export() {
    let (made, _) = two();
    let (home, store) = new_store();
    let _hold = ingest(&store, &made);
    let blobs = home.path().join("content/blobs");
    let mut files = Vec::new();
    for fan in fs::read_dir(blobs).unwrap().flatten() {
        files.extend(fs::read_dir(fan.path()).unwrap().flatten());
    }
    assert_eq!(files.len(), 7);
    for file in files {
        let bytes = fs::read(file.path()).unwrap();
        fs::write(file.path(), &bytes[1..]).unwrap();
        assert!(
            store
                .write_image(&made.id(), &Default::default(), &mut Vec::new())
                .is_err()
        );
        let broken = store.verify().unwrap().broken;
        assert!(
            broken
                .iter()
                .any(|broken| matches!(broken, Broken::MissingObject { .. } | Broken::Blob(_)))
        );
        assert!(!store.contains_image(&made.id()));
        drop(ingest(&store, &made));
        assert_eq!(store.verify().unwrap().broken, []);
    }
}

#[test]
fn a_damaged_name_is_said_and_keeps_garbage_from_being_guessed() {
    let (made, _) = two();
    let (home, store) = new_store();
    let _hold = ingest(&store, &made);
    let name = home.path().join("content/images").join(made.id().hex());
    fs::write(&name, "7 b3:nonsense").unwrap();
    assert!(store.image(&made.id()).is_err());
    assert_eq!(store.verify().unwrap().broken, [Broken::Image(made.id())]);
    let error = store.collect_garbage(&BTreeSet::from([made.id()]));
    assert!(matches!(error, Err(ContentError::UnreadableImage { .. })));
}

#[test]
fn a_store_without_images_becomes_one_with_them() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("content");
    drop(ContentStore::open(&root).unwrap());
    fs::remove_dir(root.join("images")).unwrap();
    fs::write(root.join("format"), "1\n").unwrap();
    let store = ContentStore::open(&root).unwrap();
    let _hold = ingest(&store, &two().0);
    assert_eq!(fs::read_to_string(root.join("format")).unwrap(), "2\n");
}
