//! What sources of instructions mean.

use std::os::unix::fs::symlink;

use super::*;

/// `path -> target` is a link, `path/` a directory.
fn taken(tree: &[&str], selections: &[Selection]) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    for line in tree {
        let (path, target) = line
            .split_once(" -> ")
            .map_or((*line, None), |(path, target)| (path, Some(target)));
        let full = root.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        match target {
            Some(target) => symlink(target, full).unwrap(),
            None if path.ends_with('/') => fs::create_dir_all(full).unwrap(),
            None => fs::write(full, "").unwrap(),
        }
    }
    let context = ContextDir::open(None, root.path().to_owned(), None).unwrap();
    let entries = context.entries().unwrap();
    let taken = select(&context, &entries, selections).unwrap();
    taken.into_iter().map(str::to_owned).collect()
}

fn copy(source: &str) -> Selection {
    Selection::copy(source, Ignore::default())
}

fn without(patterns: &str) -> Ignore {
    Ignore::parse(patterns).unwrap()
}

const TREE: &[&str] = &[
    "a/b/c.md", "a/b/d.js", "a/e.js", "ab/f.js", "empty/", "g.js", "h.md",
];

/// Sources and what they take of [`TREE`].
const CASES: &[(&str, &[&str])] = &[
    ("g.js", &["g.js"]),
    ("./g.js", &["g.js"]),
    ("/x/../../g.js", &["g.js"]),
    ("a", &["a", "a/b", "a/b/c.md", "a/b/d.js", "a/e.js"]),
    ("a/b/", &["a/b", "a/b/c.md", "a/b/d.js"]),
    ("empty", &["empty"]),
    ("none", &[]),
    ("g.js/none", &[]),
    ("*.js", &["g.js"]),
    ("?.*", &["g.js", "h.md"]),
    ("[gx].js", &["g.js"]),
    ("[^g].*", &["h.md"]),
    ("*b", &["ab", "ab/f.js"]),
    ("*/*.js", &["a/e.js", "ab/f.js"]),
    ("**/*.js", &["a/e.js", "ab/f.js"]),
    ("a/*", &["a/b", "a/b/c.md", "a/b/d.js", "a/e.js"]),
    ("a/*/c.md", &["a/b/c.md"]),
];

#[test]
fn a_source_takes_what_it_names_and_all_that_is_in_it() {
    for (source, expected) in CASES {
        assert_eq!(taken(TREE, &[copy(source)]), *expected, "{source}");
    }
    let all = taken(TREE, &[Selection::whole()]);
    assert_eq!(all.len(), 10, "{all:?}");
    for source in [".", "/", "a/..", "*", "[a"] {
        assert_eq!(taken(TREE, &[copy(source)]), all, "{source}");
    }
    assert_eq!(taken(TREE, &[copy("g.js"), copy("h.md")]), ["g.js", "h.md"]);
    assert_eq!(taken(TREE, &[]), [""; 0]);
}

#[test]
fn a_mount_has_no_wildcards() {
    assert_eq!(taken(TREE, &[Selection::path("*.js")]), [""; 0]);
    let mounted = taken(TREE, &[Selection::path("/a/b")]);
    assert_eq!(mounted, ["a/b", "a/b/c.md", "a/b/d.js"]);
}

#[test]
fn what_a_copy_excludes_is_told_from_the_directory_that_it_copies() {
    let copied = |source, patterns| taken(TREE, &[Selection::copy(source, without(patterns))]);
    assert_eq!(copied("a", "*.js"), ["a", "a/b", "a/b/c.md", "a/b/d.js"]);
    assert_eq!(copied("a", "**/*.js"), ["a", "a/b", "a/b/c.md"]);
    assert_eq!(
        copied("a", "b\n!b/c.md"),
        ["a", "a/b", "a/b/c.md", "a/e.js"]
    );
    assert_eq!(copied("a*", "f.js"), copied("a*", "*/f.js\nf.js"));
    assert_eq!(copied(".", "a*\nempty"), ["g.js", "h.md"]);
    // Whether it means the source itself is not certain.
    assert_eq!(copied("g.js", "*.js"), ["g.js"]);
}

#[test]
fn directories_above_come_along_where_they_are_asked_for() {
    let copied = |source, patterns| {
        let selection = Selection::copy_with_parents(source, without(patterns));
        taken(TREE, &[selection])
    };
    assert_eq!(copied("a/b/c.md", ""), ["a", "a/b", "a/b/c.md"]);
    assert_eq!(copied("**/*.md", ""), ["a", "a/b", "a/b/c.md", "h.md"]);
    assert_eq!(copied("a/./b/*.md", ""), ["a/b", "a/b/c.md"]);
    assert_eq!(copied("a/b", "**/*.js"), ["a", "a/b", "a/b/c.md"]);
    assert_eq!(copied(".", "").len(), 10);
}

#[test]
fn links_that_a_source_leads_through_count_and_so_does_where_they_lead() {
    let tree = &[
        "real/x/f",
        "real/y -> x",
        "one -> real",
        "two -> /one/x",
        "up -> ../../real",
        "round -> round",
        "gone -> nowhere",
        "in/l -> ../real",
    ];
    let copied = |source| taken(tree, &[copy(source)]);
    assert_eq!(copied("one/x"), ["one", "real/x", "real/x/f"]);
    assert_eq!(copied("two"), ["one", "real/x", "real/x/f", "two"]);
    assert_eq!(copied("up/y/f"), ["real/x/f", "real/y", "up"]);
    assert_eq!(copied("round"), ["round"]);
    assert_eq!(copied("gone"), ["gone"]);
    // A link in a directory is copied as one.
    assert_eq!(copied("in"), ["in", "in/l"]);
    assert_eq!(copied("tw*"), copied("two"));
    let mounted = taken(tree, &[Selection::path("one/y")]);
    assert_eq!(mounted, ["one", "real/x", "real/x/f", "real/y"]);
}
