//! B8: what an app writes.

use std::fs;

use landfall_testkit::{Project, Sandbox};
use serde_json::json;

#[test]
fn b8_writable_paths_survive_releases_and_are_cleared_on_purpose() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    let ready = "ready = { path = \"/health\", within = \"60s\" }";
    let writable = format!("{ready}\nwritable = [\"cache\"]");
    project.edit(ready, &writable);
    project.landfall(&["deploy", "--yes"]).ok();
    let home = sandbox.home().join("apps/hello/local");
    fs::write(home.join("releases/1/web/cache/entry"), "kept").unwrap();

    project.release("v2", "good");
    project.edit(ready, &writable);
    project.landfall(&["deploy", "--yes"]).ok();
    let entry = home.join("releases/2/web/cache/entry");
    assert_eq!(fs::read_to_string(&entry).unwrap(), "kept");

    let cleared = project
        .landfall(&["cache", "clear", "web", "cache", "--yes", "--json"])
        .ok();
    assert_eq!(cleared.json(), json!({"files": 1, "bytes": 4}));
    assert!(!entry.exists());
}

#[test]
fn b8_what_an_app_writes_into_its_release_reaches_neither_the_store_nor_another_release() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let releases = sandbox.home().join("apps/hello/local/releases");
    let original = fs::read(releases.join("1/web/hello.json")).unwrap();
    fs::write(releases.join("1/web/hello.json"), "overwritten at run time").unwrap();
    project.release("v2", "good");
    project.landfall(&["deploy", "--yes"]).ok();
    fs::remove_dir_all(releases.join("1")).unwrap();
    project.landfall(&["rollback", "--yes"]).ok();
    assert_eq!(
        fs::read(releases.join("1/web/hello.json")).unwrap(),
        original
    );
}
