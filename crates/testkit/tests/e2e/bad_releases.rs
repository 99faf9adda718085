//! B2, B3, B5: a bad release never takes the good one down, and is told by its true cause.

use std::process::Command;

use landfall_testkit::{Output, Project, Sandbox};
use serde_json::{Value, json};

use crate::live::Live;

/// Deploys a bad v2 over a good v1 under load; asserts that users noticed nothing, and returns
/// what `deploy --json` printed.
fn deploy_bad(prepare: impl FnOnce(&Project<'_>)) -> Value {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let before = apps(&sandbox);
    let live = Live::start(&sandbox, &project, "v1");
    prepare(&project);
    let output = live.unchanged(&["deploy", "--yes", "--json"]);
    assert_eq!(output.code, Some(3), "{output:#}");
    let result = output.json();
    assert_eq!(result["outcome"], "stopped", "{result:#}");
    live.assert_nothing_lost();
    assert_eq!(
        apps(&sandbox),
        before,
        "the old instance is the one that ran before"
    );
    result
}

/// Process ids of the apps of a sandbox.
fn apps(sandbox: &Sandbox) -> Vec<i32> {
    let of_app = |pid: &i32| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environ).contains("LANDFALL_INSTANCE=")
    };
    sandbox
        .processes()
        .into_iter()
        .map(|process| process.pid)
        .filter(of_app)
        .collect()
}

fn behaves(hello: Value) -> impl FnOnce(&Project<'_>) {
    move |project| {
        project.release_with(hello);
        project.edit("within = \"60s\"", "within = \"4s\"");
    }
}

#[track_caller]
fn assert_cause(result: &Value, kind: &str, says: &str) {
    let cause = &result["cause"];
    assert_eq!(cause["kind"], kind, "{result:#}");
    let text = cause.to_string();
    assert!(text.contains(says), "{says:?} is not in {cause:#}");
}

#[test]
fn b2_a_release_that_exits_at_once_is_stopped_at_once_with_its_last_words() {
    let result = deploy_bad(behaves(
        json!({"version": "v2", "behaviour": "exits-at-once"}),
    ));
    assert_cause(&result, "exited-at-start", "environment variable");
}

#[test]
fn b2_a_release_that_exits_after_two_seconds_is_stopped() {
    let hello = json!({"version": "v2", "behaviour": "exits-after", "ms": 2000});
    let result = deploy_bad(|project| {
        project.release_with(hello);
        project.edit(
            "ready = { path = \"/health\", within = \"60s\" }",
            "ready = { up_for = \"4s\" }",
        );
    });
    assert_cause(&result, "exited-at-start", "exited with code");
}

#[test]
fn b2_a_release_that_never_listens_is_stopped() {
    let result = deploy_bad(behaves(
        json!({"version": "v2", "behaviour": "never-listens"}),
    ));
    assert_cause(&result, "never-listened", "never listened");
}

#[test]
fn b2_a_release_that_listens_on_another_port_is_stopped_and_the_port_is_named() {
    let result = deploy_bad(behaves(json!({"version": "v2", "behaviour": "wrong-port"})));
    assert_cause(&result, "wrong-port", "listens on");
}

#[test]
fn b2_a_release_that_fails_its_health_check_is_stopped() {
    let result = deploy_bad(behaves(json!({"version": "v2", "behaviour": "unhealthy"})));
    assert_cause(&result, "unhealthy", "500");
}

#[test]
fn b3_a_release_with_good_health_and_a_wrong_answer_is_stopped_before_users_meet_it() {
    let result = deploy_bad(behaves(
        json!({"version": "v2", "behaviour": "wrong-smoke"}),
    ));
    assert_cause(&result, "smoke-failed", "/orders");
    let steps: Vec<&str> = result["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|s| s["name"].as_str())
        .collect();
    assert!(!steps.contains(&"switch"), "{steps:?}");
}

#[test]
fn b2_a_failing_migration_stops_the_deployment() {
    let result = deploy_bad(|project| {
        project.release("v2", "good");
        project.append(
            "[task.migrate]\nservice = \"web\"\nwhen = \"before-switch\"\n\
             shell = \"echo 'relation orders exists already' >&2; exit 3\"",
        );
    });
    assert_cause(&result, "task-failed", "relation orders exists already");
}

#[test]
fn b9_a_hanging_migration_is_ended_by_its_timeout() {
    let result = deploy_bad(|project| {
        project.release("v2", "good");
        project.append(
            "[task.migrate]\nservice = \"web\"\nwhen = \"before-switch\"\ntimeout = \"2s\"\n\
             shell = \"echo waiting for a lock; sleep 600\"",
        );
    });
    assert_cause(&result, "timed-out", "waiting for a lock");
}

#[test]
fn b2_a_failing_build_stops_the_deployment_with_the_compiler_s_words() {
    let result = deploy_bad(|project| {
        project.release("v2", "good");
        project.edit(
            "mkdir -p dist && cp bin/hello hello.json dist/",
            "echo 'error: expected `;` in src/main.rs:3' >&2; exit 101",
        );
    });
    assert_cause(&result, "build-failed", "src/main.rs:3");
}

#[test]
fn a1_an_app_that_does_not_say_its_new_version_is_never_green() {
    let result = deploy_bad(|project| {
        project.release("v2", "good");
        project.edit("expect = \"v2\"", "expect = \"v3\"");
    });
    assert_cause(&result, "wrong-version", "v3");
}

#[test]
fn b5_a_slow_start_is_waited_for() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    // The WebSocket would be waited for longer than everything else takes.
    project.edit("app = \"hello\"", "app = \"hello\"\ndrain = \"3s\"");
    project.landfall(&["deploy", "--yes"]).ok();
    project.release_with(json!({"version": "v2", "behaviour": "slow-start", "ms": 6000}));
    let mut live = Live::start(&sandbox, &project, "v1");
    live.changes_to("v2", &["deploy", "--yes"]).ok();
    live.assert_nothing_lost();
}

#[test]
fn b3_a_release_that_errs_under_real_traffic_is_gone_back_from() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let mut live = Live::start(&sandbox, &project, "v1");
    landfall_testkit::wait_until(
        std::time::Duration::from_secs(60),
        "traffic to compare with",
        || live.answered() > 200,
    );
    project.release("v2", "errs-under-traffic");
    project.edit("app = \"hello\"", "app = \"hello\"\nwatch = \"60s\"");
    // v2 answers until it is gone back from, v1 all the time.
    let output = live.changes_to("v2", &["deploy", "--yes", "--json"]);
    assert_eq!(output.code, Some(4), "{output:#}");
    let result = output.json();
    assert_eq!(result["outcome"], "rolled_back", "{result:#}");
    assert_cause(&result, "worse-than-before", "errors");
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["serving"], 1, "{status:#}");
}

#[test]
fn b2_a_full_disk_stops_the_deployment_and_says_so() {
    let sandbox = Sandbox::new();
    let disk = Disk::mount(&sandbox);
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let live = Live::start(&sandbox, &project, "v1");
    project.release("v2", "good");
    // Incompressible, and more than the disk holds.
    project.edit(
        "cp bin/hello",
        "head -c 96000000 /dev/urandom > dist/big && cp bin/hello",
    );
    let output: Output = live.unchanged(&["deploy", "--yes", "--json"]);
    assert_eq!(output.code, Some(3), "{output:#}");
    assert_cause(&output.json(), "disk-full", "space");
    live.assert_nothing_lost();
    // There is room again at once: nothing half-written stays.
    project.release("v3", "good");
    project.edit("mkdir -p dist", "rm -r dist && mkdir dist");
    project.landfall(&["deploy", "--yes"]).ok();
    drop(disk);
}

/// A small file system as the state directory of a sandbox.
struct Disk<'a>(&'a Sandbox);

impl<'a> Disk<'a> {
    fn mount(sandbox: &'a Sandbox) -> Self {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(sandbox.home());
        let status = mount.status().expect("mount runs");
        assert!(status.success(), "mounting a small tmpfs needs root");
        Self(sandbox)
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        landfall_testkit::process::kill_all(self.0.dir());
        let _ = Command::new("umount").arg("-l").arg(self.0.home()).status();
    }
}
