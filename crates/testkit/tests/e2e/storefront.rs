//! The storefront stack: a real Next.js server, shipped, broken and brought back under load.

use std::time::Duration;

use landfall_testkit::load::LoadPlan;
use landfall_testkit::{Output, Project, Sandbox, wait_until};
use serde_json::Value;

use crate::live::Live;

/// Load that a storefront has endpoints for: pages and API, on kept and on new connections.
fn plan(sandbox: &Sandbox) -> LoadPlan {
    LoadPlan {
        keep_alive: 3,
        new_connections: 2,
        paths: vec!["/".into(), "/api/version".into()],
        pace: 10.0,
        ..LoadPlan::idle(sandbox.http(), "localhost")
    }
}

fn deployed(sandbox: &Sandbox) -> Project<'_> {
    let project = Project::storefront(sandbox, "v1");
    project.landfall(&["deploy", "--yes"]).ok();
    project
}

#[track_caller]
fn cause(output: &Output, code: i32, kind: &str) -> Value {
    assert_eq!(output.code, Some(code), "{output:#}");
    let result = output.json();
    assert_eq!(result["cause"]["kind"], kind, "{result:#}");
    result["cause"].clone()
}

#[test]
fn b1_storefront_goes_to_v2_and_back_without_losing_a_request() {
    let sandbox = Sandbox::new();
    let project = deployed(&sandbox);
    let mut live = Live::start_with(&project, "v1", plan(&sandbox));
    project.storefront_version("v2");
    live.changes_to("v2", &["deploy", "--yes"]).ok();
    live.changes_to("v1", &["rollback", "--yes"]).ok();
    live.assert_nothing_lost();
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["serving"], 1, "{status:#}");
}

#[test]
fn b8_storefront_keeps_its_image_cache_over_releases_and_writes_into_no_other() {
    let sandbox = Sandbox::new();
    let project = deployed(&sandbox);
    let cache = sandbox
        .home()
        .join("apps/storefront/local/persistent/web/.next/cache");
    std::fs::write(cache.join("resized"), "an image").unwrap();
    project.storefront_version("v2");
    project.landfall(&["deploy", "--yes"]).ok();
    let release = sandbox.home().join("apps/storefront/local/releases/2/web");
    assert_eq!(
        std::fs::read_to_string(release.join(".next/cache/resized")).unwrap(),
        "an image"
    );
    project
        .landfall(&["cache", "clear", "web", ".next/cache", "--yes"])
        .ok();
    assert!(!cache.join("resized").exists());
}

#[test]
fn b2_storefront_survives_every_kind_of_broken_release() {
    let sandbox = Sandbox::new();
    let project = deployed(&sandbox);
    let live = Live::start_with(&project, "v1", plan(&sandbox));
    let deploy = |version: &str| {
        project.storefront_version(version);
        // A broken version that never gets ready is not waited for as long as a good one.
        project.edit("within = \"60s\"", "within = \"15s\"");
        live.unchanged(&["deploy", "--yes", "--json"])
    };
    cause(&deploy("broken-start"), 3, "exited-at-start");
    cause(&deploy("broken-health"), 3, "unhealthy");
    let smoke = cause(&deploy("broken-smoke"), 3, "smoke-failed");
    assert!(
        smoke["summary"]
            .as_str()
            .unwrap()
            .contains("308 instead of 307"),
        "{smoke:#}"
    );

    project.storefront_version("v1");
    project.edit(
        "\"true\"",
        "\"echo 'Type error: nope in app/page.js:3'; exit 1\"",
    );
    let build = cause(
        &live.unchanged(&["deploy", "--yes", "--json"]),
        3,
        "build-failed",
    );
    assert!(build.to_string().contains("app/page.js:3"), "{build:#}");
    live.assert_nothing_lost();
}

#[test]
fn b3_storefront_goes_back_from_a_release_that_errs_under_real_traffic() {
    let sandbox = Sandbox::new();
    let project = deployed(&sandbox);
    let mut live = Live::start_with(&project, "v1", plan(&sandbox));
    wait_until(Duration::from_secs(60), "traffic to compare with", || {
        live.answered() > 150
    });
    project.storefront_version("broken-traffic");
    project.edit(
        "app = \"storefront\"",
        "app = \"storefront\"\nwatch = \"60s\"",
    );
    let version = project.read("landfall.toml");
    let version = version
        .split("expect = \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let output = live.changes_to(&version, &["deploy", "--yes", "--json"]);
    cause(&output, 4, "worse-than-before");
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["serving"], 1, "{status:#}");
}

#[test]
fn b10_storefront_is_planned_with_its_reasons_and_known_by_its_digest() {
    let sandbox = Sandbox::new();
    let project = deployed(&sandbox);
    project.storefront_version("v2");
    let plan = project.landfall(&["plan"]).ok().stdout;
    assert!(plan.contains("changed") && plan.contains("web"), "{plan}");
    project.landfall(&["deploy", "--yes"]).ok();
    let releases = project.landfall(&["releases", "--json"]).ok().json();
    let digests: Vec<&str> = releases
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|r| r["artifacts"]["web"].as_str())
        .collect();
    assert_eq!(digests.len(), 2, "{releases:#}");
    assert_ne!(digests[0], digests[1]);
}
