//! Sizes, headings and texts of files.

use crate::{files, none, relative, root, rust_files};

/// Lines that ship, at most, in one file.
const CEILING: usize = 800;

/// Lines that nine of ten files stay below.
const MOSTLY: usize = 350;

/// Hosts of package registries: a lock file that names one ties every build to it.
const REGISTRIES: [&str; 4] = [
    concat!("registry.npm", "js.org"),
    concat!("registry.yarn", "pkg.com"),
    concat!("files.python", "hosted.org"),
    concat!("static.crates", ".io"),
];

#[test]
fn every_file_says_what_it_is_for() {
    let silent = |text: &str| !text.starts_with("//!") && !text.starts_with("#!");
    let files = rust_files();
    let silent = files.iter().filter(|file| silent(&file.text));
    none(
        silent
            .map(|file| format!("{} has no module doc", file.path))
            .collect(),
    );
}

#[test]
fn no_file_is_too_long() {
    let files = rust_files();
    let sizes = files
        .iter()
        .map(|file| (file.shipped().count(), &file.path));
    let long = sizes.filter(|(lines, _)| *lines > CEILING);
    none(
        long.map(|(lines, path)| format!("{path} has {lines} lines, above {CEILING}"))
            .collect(),
    );
}

#[test]
fn nine_of_ten_files_are_short() {
    let files = rust_files();
    let mut sizes: Vec<_> = files
        .iter()
        .filter(|file| !file.is_test())
        .map(|file| (file.shipped().count(), &file.path))
        .collect();
    sizes.sort();
    let (lines, path) = sizes[sizes.len() * 9 / 10];
    assert!(
        lines <= MOSTLY,
        "more than one in ten is as long as {path}: {lines} lines"
    );
}

#[test]
fn no_file_names_a_package_registry() {
    let dirs = ["crates", "xtask", "examples", ".ci", ".config", ".cargo"];
    let mut wrong = Vec::new();
    let locks = ["Cargo.toml", "Cargo.lock", "deny.toml"].map(|name| root().join(name));
    for path in files(&dirs).into_iter().chain(locks) {
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for host in REGISTRIES.iter().filter(|host| text.contains(**host)) {
            wrong.push(format!("{} names {host}", relative(&path)));
        }
    }
    none(wrong);
}

#[test]
fn the_second_storefront_differs_from_the_first_in_its_version_only() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let first = read("examples/storefront/landfall.toml");
    let second = read("examples/storefront/versions/v2/landfall.toml");
    assert_eq!(first.replace("expect = \"v1\"", "expect = \"v2\""), second);
}
