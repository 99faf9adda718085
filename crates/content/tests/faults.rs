//! Full disks, killed processes, and several at work in one store.
//!
//! Some tests run themselves again in a child process: to be killed, or to own a small filesystem.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use landfall_content::{ContentError, ContentStore, Exclude, Ingested, TreeSource};

use crate::support::{CHILD, again_on_small_disk, child_directory, noise};

/// Long enough for the busiest machine; reached only when a test fails.
const DEADLINE: Duration = Duration::from_secs(60);

fn ingest(store: &ContentStore, from: &Path) -> Result<Ingested, ContentError> {
    store.ingest(&[TreeSource { from, to: "." }], &Exclude::nothing())
}

fn write_files(directory: &Path, count: u64, len: usize) {
    fs::create_dir_all(directory.join("sub")).unwrap();
    for number in 0..count {
        let place = if number % 3 == 0 { "sub" } else { "." };
        let path = directory.join(place).join(format!("{number:04}"));
        fs::write(path, noise(number, len)).unwrap();
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn b2_a_full_disk_while_ingesting_is_said_and_leaves_nothing() {
    let Some(disk) = child_directory() else {
        return again_on_small_disk(
            "b2_a_full_disk_while_ingesting_is_said_and_leaves_nothing",
            "1m",
        );
    };
    let source = tempfile::Builder::new().tempdir_in("/var/tmp").unwrap();
    let root = disk.join("content");
    let store = ContentStore::open(&root).unwrap();
    write_files(source.path(), 150, 4096);
    let (mut full, mut fitted) = (0, 0);
    // One file more each time: the disk fills up in the files, at their edge, and in the index.
    for number in 150..270 {
        fs::write(
            source.path().join(format!("{number:04}")),
            noise(number, 4096),
        )
        .unwrap();
        match ingest(&store, source.path()) {
            Ok(tree) => {
                fitted += 1;
                assert!(store.contains_tree(&tree.digest));
            }
            Err(error) => {
                full += 1;
                assert!(error.is_disk_full(), "{error:?}");
                assert_eq!(names(&root.join("trees")), [""; 0]);
            }
        }
        assert_eq!(names(&root.join("tmp")), [""; 0]);
        assert_eq!(store.verify().unwrap().broken, []);
        // Opening and cleaning have to work on a full disk.
        let store = ContentStore::open(&root).unwrap();
        store.collect_garbage(&BTreeSet::new()).unwrap();
        assert_eq!(names(&root.join("trees")), [""; 0]);
    }
    assert!(
        full > 10 && fitted > 10,
        "{full} were full, {fitted} fitted"
    );
}

#[test]
fn b2_a_full_disk_while_materialising_is_said_and_leaves_nothing() {
    let Some(disk) = child_directory() else {
        return again_on_small_disk(
            "b2_a_full_disk_while_materialising_is_said_and_leaves_nothing",
            "1m",
        );
    };
    let home = tempfile::Builder::new().tempdir_in("/var/tmp").unwrap();
    let (source, releases) = (home.path().join("source"), disk.join("releases"));
    let store = ContentStore::open(&home.path().join("content")).unwrap();
    write_files(&source, 300, 4096);
    let large = ingest(&store, &source).unwrap();
    let small = ingest(&store, &source.join("sub")).unwrap();
    let error = store
        .materialise(&large.digest, &releases.join("1"))
        .unwrap_err();
    assert!(error.is_disk_full(), "{error:?}");
    assert_eq!(names(&releases), [""; 0]);
    store
        .materialise(&small.digest, &releases.join("2"))
        .unwrap();
    assert_eq!(names(&releases), ["2"]);
}

/// Killed when dropped.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How far the work in `home` has come: every file and directory counts.
fn progress(home: &Path) -> usize {
    let mut todo = vec![home.join("content"), home.join("releases")];
    let mut found = 0;
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            found += 1;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                todo.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn b7_a_store_survives_kill_9_at_any_moment() {
    const NAME: &str = "b7_a_store_survives_kill_9_at_any_moment";
    if let Some(home) = child_directory() {
        let store = ContentStore::open(&home.join("content")).unwrap();
        let tree = ingest(&store, &home.join("source")).unwrap();
        store
            .materialise(&tree.digest, &home.join("releases/1"))
            .unwrap();
        // Stays, with its hold, until it is killed.
        loop {
            thread::park();
        }
    }
    let (files, mut killed_at_work) = (60, 0);
    let template = tempfile::tempdir().unwrap();
    let expected = {
        write_files(&template.path().join("source"), files, 5000);
        let store = ContentStore::open(&template.path().join("content")).unwrap();
        ingest(&store, &template.path().join("source"))
            .unwrap()
            .digest
    };
    for moment in (1..240).step_by(12) {
        let home = tempfile::tempdir().unwrap();
        write_files(&home.path().join("source"), files, 5000);
        let root = home.path().join("content");
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env(CHILD, home.path())
            .stdout(Stdio::null())
            .spawn();
        let worker = Worker(child.unwrap());
        let (begun, dest) = (Instant::now(), home.path().join("releases/1"));
        while progress(home.path()) < moment && !dest.exists() {
            assert!(
                begun.elapsed() < DEADLINE,
                "the child does not get to {moment}"
            );
            thread::yield_now();
        }
        drop(worker);

        let store = ContentStore::open(&root).unwrap();
        assert_eq!(names(&root.join("tmp")), [""; 0], "at {moment}");
        assert_eq!(store.verify().unwrap().broken, [], "at {moment}");
        killed_at_work += u32::from(!dest.exists());
        if dest.exists() {
            assert_eq!(ingest(&store, &dest).unwrap().digest, expected);
        }
        assert_eq!(
            ingest(&store, &home.path().join("source")).unwrap().digest,
            expected
        );
        store
            .materialise(&expected, &home.path().join("releases/2"))
            .unwrap();
        let left = names(&home.path().join("releases"));
        assert!(
            left.iter().all(|name| name == "1" || name == "2"),
            "{left:?} at {moment}"
        );
        // The hold of the killed process holds nothing any more.
        store.collect_garbage(&BTreeSet::new()).unwrap();
        assert_eq!(names(&root.join("trees")), [""; 0]);
        assert_eq!(names(&root.join("holds")), [""; 0]);
    }
    assert!(killed_at_work > 0, "no child was killed at work");
}

#[test]
fn garbage_is_never_what_is_being_ingested_or_held() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("content");
    let store = ContentStore::open(&root).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let ingesters: Vec<_> = (0..2)
            .map(|thread| {
                let (store, home) = (&store, home.path());
                scope.spawn(move || {
                    for round in 0..25 {
                        let source = home.join(format!("source-{thread}-{round}"));
                        write_files(&source, 12, 6000);
                        fs::write(source.join("own"), noise(1000 + thread * 100 + round, 9000))
                            .unwrap();
                        let tree = ingest(store, &source).unwrap();
                        assert!(store.contains_tree(&tree.digest));
                        let dest = home.join(format!("dest-{thread}-{round}"));
                        store.materialise(&tree.digest, &dest).unwrap();
                    }
                })
            })
            .collect();
        let collector = scope.spawn(|| {
            let mut removed = 0;
            while !done.load(Ordering::Relaxed) {
                // As another process would: opening removes what looks left behind.
                let store = ContentStore::open(&root).unwrap();
                removed += store.collect_garbage(&BTreeSet::new()).unwrap().trees;
            }
            removed
        });
        let results: Vec<_> = ingesters
            .into_iter()
            .map(|ingester| ingester.join())
            .collect();
        done.store(true, Ordering::Relaxed);
        let removed = collector.join().unwrap();
        for result in results {
            result.unwrap();
        }
        assert!(removed > 0, "nothing was collected meanwhile");
    });
    assert_eq!(store.verify().unwrap().broken, []);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_reported() {
    let home = tempfile::tempdir().unwrap();
    let store = ContentStore::open(&home.path().join("content")).unwrap();
    let source = home.path().join("source");
    write_files(&source, 3, 100);
    let log = source.join("growing.log");
    fs::write(&log, noise(7, 6 << 20)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write as _;
            let mut file = fs::File::options().append(true).open(&log).unwrap();
            while !done.load(Ordering::Relaxed) {
                file.write_all(b"line\n").unwrap();
            }
        });
        let begun = Instant::now();
        let error = loop {
            match ingest(&store, &source) {
                Err(error) => break Some(error),
                Ok(_) if begun.elapsed() > DEADLINE => break None,
                Ok(_) => {}
            }
        };
        done.store(true, Ordering::Relaxed);
        let error = error.expect("no change was noticed");
        assert!(matches!(error, ContentError::Changed { .. }), "{error:?}");
        assert!(error.to_string().contains("growing.log"), "{error}");
    });
    assert_eq!(store.verify().unwrap().broken, []);
}

#[test]
fn nothing_is_written_outside_a_release_even_while_someone_swaps_its_directories() {
    let home = tempfile::tempdir().unwrap();
    let store = ContentStore::open(&home.path().join("content")).unwrap();
    let (source, outside) = (home.path().join("source"), home.path().join("outside"));
    write_files(&source, 200, 64);
    fs::create_dir(&outside).unwrap();
    let tree = ingest(&store, &source).unwrap();
    let releases = home.path().join("releases");
    fs::create_dir(&releases).unwrap();
    let (done, swapped) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for name in names(&releases) {
                    let sub = releases.join(name).join("sub");
                    if fs::rename(&sub, sub.with_file_name("moved")).is_ok()
                        && symlink(&outside, &sub).is_ok()
                    {
                        swapped.store(true, Ordering::Relaxed);
                    }
                }
            }
        });
        let begun = Instant::now();
        let mut refused = 0;
        for round in 0.. {
            let result = store.materialise(&tree.digest, &releases.join(round.to_string()));
            refused += u32::from(result.is_err());
            assert_eq!(names(&outside), [""; 0]);
            if refused >= 5 || begun.elapsed() > DEADLINE {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(
            refused >= 5 && swapped.load(Ordering::Relaxed),
            "no swap was met"
        );
    });
    assert_eq!(names(&outside), [""; 0]);
}
