//! A transfer that is cut at any byte goes on where it was, and what came stays meanwhile.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use landfall_content::ContentStore;
use landfall_content::transfer::{OFFER_KEPT, TransferError};
use landfall_model::Digest;

use crate::bring::{SEGMENT, bring, check, names, new_store, offer, stream, tree, two_versions};
use crate::support::noise;

#[test]
fn c6_a_transfer_that_is_cut_at_any_byte_goes_on() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let (first, second) = two_versions(&from);
    bring(&from, &to, &first, &[]).unwrap();
    let whole = stream(&from, &offer(&from, &to, &second, &[first]).unwrap());
    assert!(whole.len() < 450, "{} bytes", whole.len());
    for cut in 0..whole.len() {
        let wants = offer(&from, &to, &second, &[first]).unwrap();
        assert_eq!(wants.blobs.len(), 3);
        let error = to.receive_blobs(&second, &mut &whole[..cut]).unwrap_err();
        assert!(
            matches!(error, TransferError::Stream { .. }),
            "cut at {cut}: {error:?}"
        );
        assert!(!to.contains_tree(&second));
        check(home.path(), &to);
        bring(&from, &to, &second, &[first]).unwrap();
        assert!(to.contains_tree(&second));
        to.collect_garbage(&BTreeSet::from([first])).unwrap();
    }
}

/// How many whole segments are in `parts/`.
fn segments(home: &std::path::Path) -> usize {
    let parts = home.join("content/parts");
    let lengths = names(&parts)
        .into_iter()
        .map(|name| fs::metadata(parts.join(name)).unwrap().len());
    lengths.map(|length| length as usize / SEGMENT).sum()
}

#[test]
fn c6_no_segment_of_a_large_file_that_came_travels_again() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let size = 13 << 20;
    let sent = tree(
        &from,
        &[("large", &noise(1, size)), ("small", &noise(2, 100_000))],
    );
    // Other places each time, but the same ones in each run.
    let cuts = noise(3, 120);
    for cuts in cuts.chunks(12) {
        let mut travelled = 0;
        let mut cuts = cuts.iter();
        loop {
            let wants = offer(&from, &to, &sent, &[]).unwrap();
            let whole = stream(&from, &wants);
            let came = segments(home.path());
            let large = wants.blobs.iter().find(|blob| blob.size == size as u64);
            let present = large.map_or(0, |blob| blob.present as usize);
            assert_eq!(present, came * SEGMENT);
            assert!(
                whole.len() as u64 <= wants.bytes + 2000,
                "something travels again"
            );
            let Some(cut) = cuts.next().filter(|_| travelled < 2 * size) else {
                to.receive_blobs(&sent, &mut whole.as_slice()).unwrap();
                break;
            };
            let cut = whole.len() * usize::from(*cut) / 256;
            travelled += cut;
            to.receive_blobs(&sent, &mut &whole[..cut]).unwrap_err();
            assert!(segments(home.path()) >= came, "a segment is lost");
            assert!(!to.contains_tree(&sent));
            check(home.path(), &to);
        }
        to.finish_tree(&sent).unwrap();
        assert_eq!(names(&home.path().join("content/parts")), [""; 0]);
        check(home.path(), &to);
        to.collect_garbage(&BTreeSet::new()).unwrap();
    }
}

#[test]
fn a_part_of_which_all_has_come_becomes_content_with_its_last_segment() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let content = noise(1, 2 * SEGMENT);
    let sent = tree(&from, &[("large", &content)]);
    // As after a kill between the last segment and its proof.
    let part = home
        .path()
        .join("content/parts")
        .join(Digest::of(&content).hex());
    fs::write(&part, &content).unwrap();
    let wants = offer(&from, &to, &sent, &[]).unwrap();
    assert_eq!(wants.bytes, SEGMENT as u64);
    bring(&from, &to, &sent, &[]).unwrap();
    assert!(to.contains_tree(&sent) && !part.exists());
}

/// A tree of so many files of `size` bytes, and one of 9 MiB.
fn many_and_a_large_one(store: &ContentStore, count: u64, size: usize) -> Digest {
    let files: Vec<(String, Vec<u8>)> = (0..count)
        .map(|number| (format!("{number}"), noise(number, size)))
        .collect();
    let large = noise(1000, 9 << 20);
    let mut all: Vec<(&str, &[u8])> = vec![("large", &large)];
    let files = files.iter();
    all.extend(files.map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
    tree(store, &all)
}

/// Cuts the transfer of a tree of 200 small files and a large one in its middle.
fn broken_off(from: &ContentStore, to: &ContentStore) -> (Digest, u64) {
    let sent = many_and_a_large_one(from, 200, 40_000);
    let wants = offer(from, to, &sent, &[]).unwrap();
    let whole = stream(from, &wants);
    let cut = whole.len() - SEGMENT;
    to.receive_blobs(&sent, &mut &whole[..cut]).unwrap_err();
    (sent, wants.bytes)
}

#[test]
fn c6_garbage_collection_spares_what_came_of_a_tree_for_an_hour() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let (sent, all) = broken_off(&from, &to);
    let left = offer(&from, &to, &sent, &[]).unwrap();
    assert!(left.bytes < all / 2 && left.blobs.len() == 1, "{left:?}");
    let collected = to.collect_garbage(&BTreeSet::new()).unwrap();
    assert_eq!((collected.blobs, collected.bytes), (0, 0));
    assert_eq!(offer(&from, &to, &sent, &[]).unwrap(), left);

    let offered = home.path().join("content/offers").join(sent.hex());
    let age = |age: Duration| {
        let file = File::options().write(true).open(&offered).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    };
    age(OFFER_KEPT - Duration::from_secs(60));
    assert_eq!(to.collect_garbage(&BTreeSet::new()).unwrap().blobs, 0);
    age(OFFER_KEPT + Duration::from_secs(1));
    let collected = to.collect_garbage(&BTreeSet::new()).unwrap();
    assert!(
        collected.blobs == 200 && collected.bytes > all / 2,
        "{collected:?}"
    );
    for directory in ["offers", "parts", "trees"] {
        assert_eq!(names(&home.path().join("content").join(directory)), [""; 0]);
    }
    // What was given up can begin anew, but not without an offer.
    let error = to.receive_blobs(&sent, &mut [].as_slice()).unwrap_err();
    assert!(matches!(error, TransferError::NotOffered(_)), "{error:?}");
    bring(&from, &to, &sent, &[]).unwrap();
}

#[test]
fn what_comes_makes_the_hour_begin_anew() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let sent = tree(&from, &[("a", &noise(1, 5 << 20)), ("b", b"2")]);
    let wants = offer(&from, &to, &sent, &[]).unwrap();
    let offered = home.path().join("content/offers").join(sent.hex());
    let file = File::options().write(true).open(&offered).unwrap();
    file.set_modified(SystemTime::now() - 2 * OFFER_KEPT)
        .unwrap();
    let whole = stream(&from, &wants);
    to.receive_blobs(&sent, &mut whole.as_slice()).unwrap();
    assert_eq!(to.collect_garbage(&BTreeSet::new()).unwrap().blobs, 0);
    to.finish_tree(&sent).unwrap();
}

#[test]
fn a_tree_is_not_finished_before_all_of_it_is_there() {
    let ((_a, from), (_b, to)) = (new_store(), new_store());
    let sent = tree(&from, &[("a", b"1"), ("b", b"2")]);
    let error = to.finish_tree(&sent).unwrap_err();
    assert!(matches!(error, TransferError::NotOffered(_)), "{error:?}");
    let wants = offer(&from, &to, &sent, &[]).unwrap();
    let error = to.finish_tree(&sent).unwrap_err();
    assert!(
        matches!(error, TransferError::Incomplete { missing: 2, .. }),
        "{error:?}"
    );
    assert!(!to.contains_tree(&sent));
    let whole = stream(&from, &wants);
    to.receive_blobs(&sent, &mut whole.as_slice()).unwrap();
    assert!(!to.contains_tree(&sent));
    let hold = to.finish_tree(&sent).unwrap().hold;
    // The answer may have been lost: asking again gives it again.
    let again = to.finish_tree(&sent).unwrap();
    drop(hold);
    to.collect_garbage(&BTreeSet::new()).unwrap();
    assert!(to.contains_tree(&sent));
    drop(again);
    to.collect_garbage(&BTreeSet::new()).unwrap();
    assert!(!to.contains_tree(&sent));
}

#[test]
fn two_that_bring_the_same_tree_while_garbage_is_collected_both_finish() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let large = noise(1, 9 << 20);
    let files: Vec<(String, Vec<u8>)> = (0..60)
        .map(|number| (format!("{number}"), noise(number, 9000)))
        .collect();
    let mut all: Vec<(&str, &[u8])> = vec![("large", &large)];
    all.extend(
        files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice())),
    );
    let sent = tree(&from, &all);
    let whole = stream(&from, &offer(&from, &to, &sent, &[]).unwrap());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let collector = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                to.collect_garbage(&BTreeSet::new()).unwrap();
                thread::yield_now();
            }
        });
        let bringers = [(); 2].map(|()| {
            scope.spawn(|| {
                to.receive_blobs(&sent, &mut whole.as_slice()).unwrap();
                to.finish_tree(&sent).unwrap()
            })
        });
        let results = bringers.map(thread::ScopedJoinHandle::join);
        done.store(true, Ordering::Relaxed);
        collector.join().unwrap();
        let holds = results.map(Result::unwrap);
        assert!(to.contains_tree(&sent));
        drop(holds);
    });
    check(home.path(), &to);
}

/// A slow stream: garbage is collected whenever something is waited for.
struct Slow<'a> {
    bytes: &'a [u8],
    store: &'a ContentStore,
    collections: u32,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Would wait for ever if this thread had a part in the store's lock.
        let collected = self.store.collect_garbage(&BTreeSet::new()).unwrap();
        assert_eq!((collected.blobs, collected.trees), (0, 0));
        self.collections += 1;
        let most = buffer.len().min(300_000);
        self.bytes.read(&mut buffer[..most])
    }
}

#[test]
fn garbage_is_collected_while_a_slow_sender_is_waited_for() {
    let ((_a, from), (home, to)) = (new_store(), new_store());
    let sent = many_and_a_large_one(&from, 20, 400_000);
    let whole = stream(&from, &offer(&from, &to, &sent, &[]).unwrap());
    let mut slow = Slow {
        bytes: &whole,
        store: &to,
        collections: 0,
    };
    to.receive_blobs(&sent, &mut slow).unwrap();
    assert!(slow.collections > 50);
    to.finish_tree(&sent).unwrap();
    check(home.path(), &to);
}
