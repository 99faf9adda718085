//! The store as its users see it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use landfall_content::{ContentError, ContentStore, Exclude, STORE_FORMAT, TreeSource};
use tempfile::TempDir;

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn root(from: &Path) -> [TreeSource<'_>; 1] {
    [TreeSource { from, to: "." }]
}

fn compressible(lines: usize) -> String {
    (0..lines)
        .map(|line| format!("line {} of some text\n", line % 97))
        .collect()
}

#[test]
fn a_tree_comes_out_as_it_went_in() {
    let (home, source) = (dir(), dir());
    let store = ContentStore::open(home.path()).unwrap();
    let from = source.path();
    write(&from.join("server.js"), compressible(9000));
    write(&from.join("bin/run"), "#!/bin/sh\n");
    fs::set_permissions(from.join("bin/run"), fs::Permissions::from_mode(0o755)).unwrap();
    write(&from.join("naïve/日本.txt"), "");
    fs::create_dir(from.join("empty")).unwrap();
    symlink("../bin/run", from.join("empty/link")).unwrap();
    symlink("nowhere", from.join("dangling")).unwrap();

    let ingested = store.ingest(&root(from), &Exclude::nothing()).unwrap();
    assert_eq!(ingested.files, 3);
    assert_eq!(ingested.new_bytes, ingested.bytes);
    assert!(store.contains_tree(&ingested.digest));
    let dest = home.path().join("apps/shop/1/web");
    let made = store.materialise(&ingested.digest, &dest).unwrap();
    assert_eq!((made.files, made.bytes), (ingested.files, ingested.bytes));
    assert_eq!(
        fs::read_to_string(dest.join("server.js")).unwrap(),
        compressible(9000)
    );
    assert_eq!(
        fs::metadata(dest.join("bin/run")).unwrap().mode() & 0o777,
        0o755
    );
    assert_eq!(
        fs::read_link(dest.join("dangling")).unwrap(),
        Path::new("nowhere")
    );
    assert_eq!(
        fs::read_to_string(dest.join("empty/link")).unwrap(),
        "#!/bin/sh\n"
    );

    let again = store.ingest(&root(&dest), &Exclude::nothing()).unwrap();
    assert_eq!(again.digest, ingested.digest);
    assert_eq!(again.new_bytes, 0);
    assert_eq!(store.verify().unwrap().broken, []);
}

#[test]
fn what_an_app_writes_into_its_tree_reaches_neither_the_store_nor_another_release() {
    let (home, source) = (dir(), dir());
    let store = ContentStore::open(home.path()).unwrap();
    write(&source.path().join("a/cache"), "as shipped");
    write(&source.path().join("b"), compressible(5000));
    let tree = store
        .ingest(&root(source.path()), &Exclude::nothing())
        .unwrap();
    let (one, two) = (home.path().join("one"), home.path().join("two"));
    store.materialise(&tree.digest, &one).unwrap();
    store.materialise(&tree.digest, &two).unwrap();
    for file in ["a/cache", "b"] {
        assert_eq!(fs::metadata(one.join(file)).unwrap().nlink(), 1);
        fs::write(one.join(file), "written at run time").unwrap();
    }
    write(&one.join("a/new"), "more");
    assert_eq!(
        fs::read_to_string(two.join("a/cache")).unwrap(),
        "as shipped"
    );
    assert_eq!(
        fs::read_to_string(two.join("b")).unwrap(),
        compressible(5000)
    );
    assert!(!two.join("a/new").exists());
    assert_eq!(store.verify().unwrap().broken, []);
    let three = home.path().join("three");
    store.materialise(&tree.digest, &three).unwrap();
    assert_eq!(
        fs::read_to_string(three.join("a/cache")).unwrap(),
        "as shipped"
    );
}

#[test]
fn sources_are_put_where_they_belong_and_excludes_are_left_out() {
    let (home, source) = (dir(), dir());
    let store = ContentStore::open(home.path()).unwrap();
    let at = |path: &str| source.path().join(path);
    write(&at("standalone/server.js"), "server");
    write(&at("standalone/.next/cache/x"), "cache");
    write(&at("static/app.js"), "app");
    write(&at("static/app.js.map"), "map");
    write(&at("LICENSE"), "text");
    let (standalone, assets, license) = (at("standalone"), at("static"), at("LICENSE"));
    let sources = [
        TreeSource {
            from: &standalone,
            to: ".",
        },
        TreeSource {
            from: &assets,
            to: "./.next/static/",
        },
        TreeSource {
            from: &license,
            to: "doc/LICENSE",
        },
    ];
    let exclude = Exclude::new(&["**/*.map".into(), ".next/cache".into()]).unwrap();
    let tree = store.ingest(&sources, &exclude).unwrap();
    let index = store.tree(&tree.digest).unwrap();
    let paths: Vec<String> = index.entries().iter().map(|e| e.path.to_string()).collect();
    assert_eq!(
        paths,
        [
            ".next",
            ".next/static",
            ".next/static/app.js",
            "doc",
            "doc/LICENSE",
            "server.js"
        ]
    );
}

#[test]
fn two_sources_that_disagree_on_a_file_are_an_error_that_names_both() {
    let (home, source) = (dir(), dir());
    let store = ContentStore::open(home.path()).unwrap();
    let (one, two) = (source.path().join("one"), source.path().join("two"));
    write(&one.join("same"), "same");
    write(&two.join("same"), "same");
    let sources = [
        TreeSource {
            from: &one,
            to: ".",
        },
        TreeSource {
            from: &two,
            to: ".",
        },
    ];
    assert_eq!(
        store.ingest(&sources, &Exclude::nothing()).unwrap().files,
        1
    );
    write(&one.join("other"), "1");
    write(&two.join("other"), "2");
    let error = store
        .ingest(&sources, &Exclude::nothing())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("one/other") && error.contains("two/other"),
        "{error}"
    );
}

#[test]
fn links_are_kept_rewritten_or_refused_by_where_they_lead() {
    let (home, source) = (dir(), dir());
    let store = ContentStore::open(home.path()).unwrap();
    let at = |path: &str| source.path().join(path);
    write(&at("app/pkg/index.js"), "x");
    write(&at("shared/lib.js"), "lib");
    fs::create_dir_all(at("app/node_modules")).unwrap();
    symlink("../pkg", at("app/node_modules/pkg")).unwrap();
    symlink(at("app/pkg"), at("app/absolute")).unwrap();
    symlink("../../shared/lib.js", at("app/pkg/lib.js")).unwrap();
    let (app, shared) = (at("app"), at("shared"));

    let error = store.ingest(&root(&app), &Exclude::nothing()).unwrap_err();
    assert!(
        matches!(error, ContentError::EscapingLink { .. }),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("pkg/lib.js") && text.contains("../../shared/lib.js"),
        "{text}"
    );

    let sources = [
        TreeSource {
            from: &app,
            to: ".",
        },
        TreeSource {
            from: &shared,
            to: "vendor",
        },
    ];
    let tree = store.ingest(&sources, &Exclude::nothing()).unwrap();
    let dest = home.path().join("out");
    store.materialise(&tree.digest, &dest).unwrap();
    assert_eq!(
        fs::read_link(dest.join("node_modules/pkg")).unwrap(),
        Path::new("../pkg")
    );
    assert_eq!(
        fs::read_link(dest.join("absolute")).unwrap(),
        Path::new("pkg")
    );
    assert_eq!(
        fs::read_link(dest.join("pkg/lib.js")).unwrap(),
        Path::new("../vendor/lib.js")
    );
    assert_eq!(fs::read_to_string(dest.join("pkg/lib.js")).unwrap(), "lib");
}

#[test]
fn devices_sockets_and_pipes_are_refused_by_name() {
    let (home, source) = (dir(), dir());
    let store = ContentStore::open(home.path()).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(source.path().join("ctl.sock")).unwrap();
    let error = store
        .ingest(&root(source.path()), &Exclude::nothing())
        .unwrap_err()
        .to_string();
    assert!(error.contains("ctl.sock is a socket"), "{error}");
    let exclude = Exclude::new(&["*.sock".into()]).unwrap();
    store.ingest(&root(source.path()), &exclude).unwrap();
}

#[test]
fn places_outside_the_tree_are_refused() {
    let (home, source) = (dir(), dir());
    let store = ContentStore::open(home.path()).unwrap();
    write(&source.path().join("f"), "x");
    for to in ["..", "/etc", "a/../../b", "", "a//b"] {
        let sources = [TreeSource {
            from: source.path(),
            to,
        }];
        let error = store.ingest(&sources, &Exclude::nothing()).unwrap_err();
        assert!(
            matches!(error, ContentError::BadPlace(_)),
            "{to:?}: {error}"
        );
    }
    let file = source.path().join("f");
    assert!(store.ingest(&root(&file), &Exclude::nothing()).is_err());
}

#[test]
fn what_is_at_the_destination_is_never_replaced() {
    let (home, source) = (dir(), dir());
    let store = ContentStore::open(home.path()).unwrap();
    write(&source.path().join("f"), "x");
    let tree = store
        .ingest(&root(source.path()), &Exclude::nothing())
        .unwrap();
    let dest = home.path().join("dest");
    fs::create_dir(&dest).unwrap();
    let error = store.materialise(&tree.digest, &dest).unwrap_err();
    assert!(matches!(error, ContentError::Exists(_)), "{error}");
    assert_eq!(fs::read_dir(&dest).unwrap().count(), 0);
    fs::remove_dir(&dest).unwrap();
    symlink("elsewhere", &dest).unwrap();
    assert!(store.materialise(&tree.digest, &dest).is_err());
}

#[test]
fn garbage_is_what_neither_a_kept_tree_nor_a_hold_needs() {
    let (home, source) = (dir(), dir());
    let store = ContentStore::open(home.path()).unwrap();
    let ingest = |name: &str| {
        let from = source.path().join(name);
        write(&from.join("own"), name);
        write(&from.join("shared"), "in all of them");
        store.ingest(&root(&from), &Exclude::nothing()).unwrap()
    };
    let (kept, held, gone) = (ingest("kept"), ingest("held"), ingest("gone"));
    drop(kept.hold);
    drop(gone.hold);
    let keep = BTreeSet::from([kept.digest]);
    let collected = store.collect_garbage(&keep).unwrap();
    assert_eq!((collected.trees, collected.blobs), (1, 1));
    assert!(store.contains_tree(&kept.digest) && store.contains_tree(&held.digest));
    assert!(!store.contains_tree(&gone.digest));
    drop(held.hold);
    assert_eq!(store.collect_garbage(&keep).unwrap().trees, 1);
    let all = store
        .collect_garbage(&BTreeSet::from([gone.digest]))
        .unwrap();
    assert_eq!(all.missing, [gone.digest]);
    assert_eq!((all.trees, all.blobs), (1, 2));
}

#[test]
fn damaged_content_is_named_never_shipped_and_healed_by_ingesting_it_again() {
    let (home, source) = (dir(), dir());
    let store = ContentStore::open(home.path()).unwrap();
    write(&source.path().join("big"), compressible(20_000));
    write(&source.path().join("small"), "small");
    let tree = store
        .ingest(&root(source.path()), &Exclude::nothing())
        .unwrap();
    for fan in fs::read_dir(home.path().join("blobs")).unwrap() {
        for blob in fs::read_dir(fan.unwrap().path()).unwrap() {
            let path = blob.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x20;
            fs::write(&path, bytes).unwrap();
        }
    }
    let dest = home.path().join("dest");
    let error = store.materialise(&tree.digest, &dest).unwrap_err();
    assert!(error.is_artifact_gone(), "{error}");
    assert!(!dest.exists());
    store.verify().unwrap();
    assert!(!store.contains_tree(&tree.digest));
    let again = store
        .ingest(&root(source.path()), &Exclude::nothing())
        .unwrap();
    assert_eq!(again.digest, tree.digest);
    store.materialise(&tree.digest, &dest).unwrap();
    assert_eq!(store.verify().unwrap().broken, []);
}

#[test]
fn a_store_of_a_newer_format_is_refused() {
    let home = dir();
    ContentStore::open(home.path()).unwrap();
    fs::write(
        home.path().join("format"),
        format!("{}\n", STORE_FORMAT + 1),
    )
    .unwrap();
    let error = ContentStore::open(home.path()).unwrap_err();
    assert!(
        matches!(error, ContentError::UnknownFormat { .. }),
        "{error}"
    );
}
