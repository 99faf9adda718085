//! The storefront stack: a real Next.js server, shipped, broken and brought back under load.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use landfall_testkit::load::LoadPlan;
use landfall_testkit::{Output, Project, Sandbox, wait_until};
use serde_json::Value;

use crate::live::Live;

/// Load that a storefront has endpoints for: pages and API, on kept and on new connections.
pub fn plan(proxy: SocketAddr) -> LoadPlan {
    LoadPlan {
        keep_alive: 3,
        new_connections: 2,
        paths: vec!["/".into(), "/api/version".into()],
        pace: 10.0,
        ..LoadPlan::idle(proxy, "localhost")
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
fn a1_b1_b4_storefront_goes_to_v2_and_back_without_losing_a_request() {
    let sandbox = Sandbox::new();
    let project = deployed(&sandbox);
    let mut live = Live::start_with(&project, "v1", plan(sandbox.http()));
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
fn b2_b5_storefront_survives_every_kind_of_broken_release() {
    let sandbox = Sandbox::new();
    let project = deployed(&sandbox);
    let live = Live::start_with(&project, "v1", plan(sandbox.http()));
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
    let mut live = Live::start_with(&project, "v1", plan(sandbox.http()));
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

#[test]
fn b7_b9_storefront_migrates_before_the_switch_and_outlives_an_agent_killed_by_then() {
    let sandbox = Sandbox::new();
    let project = deployed(&sandbox);
    let agent = sandbox.agent_status()["agent"]["pid"].as_i64().unwrap();
    let mut live = Live::start_with(&project, "v1", plan(sandbox.http()));
    project.storefront_version("v2");
    let migrated = sandbox.dir().join("migrated");
    project.append(&format!(
        r#"
[task.migrate]
service = "web"
shell   = "test -e server.js && echo once >> {mark} && kill -9 {agent} || test -e {mark}"
when    = "before-switch"
"#,
        mark = migrated.display()
    ));
    let killed = live.unchanged(&["deploy", "--yes", "--json"]);
    cause(&killed, 3, "interrupted");
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["serving"], 1, "{status:#}");
    live.changes_to("v2", &["deploy", "--yes"]).ok();
    let runs = std::fs::read_to_string(&migrated).unwrap();
    assert_eq!(runs.lines().count(), 2, "once in each deployment");
    live.assert_nothing_lost();
}

#[test]
fn a2_a3_a4_storefront_tells_its_commit_what_runs_and_what_was_done() {
    let sandbox = Sandbox::new();
    let project = Project::storefront(&sandbox, "v1");
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(project.dir())
            .args(["-c", "user.name=Ada", "-c", "user.email=a@b.c"]);
        let done = git.args(args).output().unwrap();
        assert!(done.status.success(), "git {args:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "app", "landfall.toml", "package.json"]);
    git(&["commit", "--quiet", "-m", "Sell gloves"]);
    project.landfall(&["deploy", "--yes"]).ok();
    let view = project.landfall(&["status", "--json"]).ok().json();
    let source = &view["release"]["source"];
    assert_eq!(source["subject"], "Sell gloves", "{view:#}");
    assert_eq!(view["serving"], 1, "{view:#}");
    let instance = &view["services"][0]["instances"][0];
    let pid = instance["state"]["pid"].as_i64().unwrap();
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
    let report = project.landfall(&["report", "1"]).ok().stdout;
    for expected in ["# Deployment 1", "rehearse", "succeeded"] {
        assert!(
            report.contains(expected),
            "{expected:?} is not in\n{report}"
        );
    }
}
