//! What counts, for trees and ignore files of any shape.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, SystemTime};

use landfall_model::spec::{BuildNetwork, Dockerfile};
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::ignore::Ignore;
use super::*;
use crate::inputs::explain;

mod seen;

fn spec() -> ImageBuildSpec {
    ImageBuildSpec {
        context: ".".to_owned(),
        dockerfile: Dockerfile::Inline("FROM scratch AS prod\nCOPY . /\n".to_owned()),
        target: None,
        args: BTreeMap::new(),
        labels: BTreeMap::new(),
        additional_contexts: BTreeMap::new(),
        cache_from: Vec::new(),
        inline_cache: false,
        extra_hosts: Vec::new(),
        network: BuildNetwork::Default,
        no_cache: false,
        pull: false,
        platform: None,
        secrets: BTreeMap::new(),
        shm_size: None,
        ulimits: BTreeMap::new(),
        timeout: Duration::from_secs(60),
    }
}

fn tree(files: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        write(root.path(), file, "1");
    }
    root
}

fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn hash_of(root: &Path, spec: &ImageBuildSpec, cache: Option<&Path>) -> InputHash {
    let sources = Sources::read(root, spec).unwrap();
    hash(root, spec, &sources, &Bases::default(), cache).unwrap()
}

/// What an edit changes, as a person reads it.
fn changes(root: &Path, spec: &ImageBuildSpec, edit: impl FnOnce(&Path)) -> Vec<String> {
    let before = hash_of(root, spec, None);
    edit(root);
    let after = hash_of(root, spec, None);
    let changes = explain(&before, &after);
    assert_eq!(changes.is_empty(), before.digest == after.digest);
    changes.iter().map(ToString::to_string).collect()
}

#[test]
fn what_reaches_the_image_counts_and_times_do_not() {
    let root = tree(&["a", "dir/b"]);
    let spec = spec();
    let touched = changes(root.path(), &spec, |root| {
        let file = fs::File::options().write(true).open(root.join("a"));
        file.unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    });
    assert_eq!(touched, [""; 0]);
    let mode = |path: &'static str, mode| {
        move |root: &Path| {
            fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    assert_eq!(changes(root.path(), &spec, mode("a", 0o600)), ["a"]);
    assert_eq!(changes(root.path(), &spec, mode("dir", 0o700)), ["dir"]);
    let linked = changes(root.path(), &spec, |root| {
        symlink("a", root.join("l")).unwrap()
    });
    assert_eq!(linked, ["l (new)"]);
    let moved = changes(root.path(), &spec, |root| {
        fs::remove_file(root.join("l")).unwrap();
        symlink("dir", root.join("l")).unwrap();
    });
    assert_eq!(moved, ["l"]);
    let made = changes(root.path(), &spec, |root| {
        fs::create_dir(root.join("e")).unwrap()
    });
    assert_eq!(made, ["e (new)"]);
}

#[test]
fn a_pipe_is_neither_read_nor_counted() {
    let root = tree(&["a"]);
    let piped = changes(root.path(), &spec(), |root| {
        rustix::fs::mkfifoat(rustix::fs::CWD, root.join("pipe"), 0o644.into()).unwrap();
    });
    assert_eq!(piped, [""; 0]);
}

#[test]
fn what_only_steers_the_build_does_not_count() {
    let root = tree(&["a"]);
    let before = hash_of(root.path(), &spec(), None);
    let steered = ImageBuildSpec {
        no_cache: true,
        pull: true,
        cache_from: vec!["registry.example/app:cache".to_owned()],
        timeout: Duration::from_secs(1),
        ..spec()
    };
    assert_eq!(hash_of(root.path(), &steered, None), before);
    let other = ImageBuildSpec {
        target: Some("prod".to_owned()),
        network: BuildNetwork::Host,
        platform: Some("linux/arm64".to_owned()),
        ..spec()
    };
    let other = hash_of(root.path(), &other, None);
    let changes = explain(&before, &other);
    let changed: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(changed, ["network (new)", "platform (new)", "target (new)"]);
}

#[test]
fn a_cache_of_hashes_changes_no_hash() {
    let root = tree(&["a", "b/c"]);
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("cache");
    let without = hash_of(root.path(), &spec(), None);
    for _ in 0..2 {
        assert_eq!(hash_of(root.path(), &spec(), Some(&cache)), without);
    }
    write(root.path(), "a", "22");
    let after = hash_of(root.path(), &spec(), Some(&cache));
    assert_eq!(after, hash_of(root.path(), &spec(), None));
    assert_ne!(after.digest, without.digest);
}

#[test]
fn a_file_of_two_contexts_that_one_ignores_makes_another_image() {
    let root = tree(&["app/a", "app/Dockerfile.dockerignore", "Dockerfile"]);
    let two = ImageBuildSpec {
        context: "app".to_owned(),
        dockerfile: Dockerfile::File("../Dockerfile".to_owned()),
        additional_contexts: BTreeMap::from([("again".to_owned(), "app".to_owned())]),
        ..spec()
    };
    let before = hash_of(root.path(), &two, None);
    write(root.path(), "Dockerfile.dockerignore", "a");
    let after = hash_of(root.path(), &two, None);
    assert_eq!(after.files, before.files);
    assert_ne!(after.digest, before.digest);
}

/// Names that patterns meet often.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "ab", "a.md", "b.md", ".git"]).prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..4).prop_map(|names| names.join("/"))
}

fn pattern() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        name(),
        prop::sample::select(vec!["*", "**", "?", "*.md", "a*", "[ab]", "**.md"])
            .prop_map(str::to_owned),
    ];
    let parts = prop::collection::vec(part, 1..4);
    (prop::bool::weighted(0.3), parts).prop_map(|(exception, parts)| {
        let sign = if exception { "!" } else { "" };
        format!("{sign}{}", parts.join("/"))
    })
}

/// Docker's rule as its documentation tells it: the last pattern that matches the path or one of
/// the directories above it decides.
fn is_ignored(patterns: &[String], path: &str) -> bool {
    let mut ignored = false;
    for pattern in patterns {
        let exception = pattern.starts_with('!');
        let one = Ignore::parse(pattern.trim_start_matches('!')).unwrap();
        let ends = path.match_indices('/').map(|(at, _)| at);
        let matches = ends
            .chain([path.len()])
            .any(|end| one.excludes(&path[..end], &Default::default()).0);
        if matches {
            ignored = !exception;
        }
    }
    ignored
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn c1_touching_an_ignored_file_changes_nothing_and_touching_another_one_does(
        paths in prop::collection::btree_set(path(), 1..8),
        patterns in prop::collection::vec(pattern(), 0..5),
        at in any::<prop::sample::Index>(),
    ) {
        let root = tempfile::tempdir().unwrap();
        let context = root.path().join("context");
        let mut files = Vec::new();
        for path in &paths {
            let full = context.join(path);
            // A file may be in the way of a directory, and the other way round.
            let made = fs::create_dir_all(full.parent().unwrap());
            if made.is_ok() && fs::write(&full, "1").is_ok() {
                files.push(path);
            }
        }
        write(root.path(), "Dockerfile", "FROM scratch\nCOPY . /\n");
        write(root.path(), "Dockerfile.dockerignore", &patterns.join("\n"));
        let spec = ImageBuildSpec {
            context: "context".to_owned(),
            dockerfile: Dockerfile::File("../Dockerfile".to_owned()),
            ..spec()
        };
        let touched = files[at.index(files.len())];
        let before = hash_of(root.path(), &spec, None);
        fs::write(context.join(touched), "22").unwrap();
        let after = hash_of(root.path(), &spec, None);
        let ignored = is_ignored(&patterns, touched);
        prop_assert_eq!(before.digest == after.digest, ignored, "{} of {:?}", touched, patterns);
        let changed: Vec<String> = explain(&before, &after).iter().map(ToString::to_string).collect();
        let expected: Vec<String> = (!ignored).then(|| format!("context/{touched}")).into_iter().collect();
        prop_assert_eq!(changed, expected);
    }
}
