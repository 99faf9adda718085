//! B1, B4: deployments and rollbacks under load lose nothing.

use landfall_testkit::load::Kind;
use landfall_testkit::{Project, Sandbox};

use crate::live::Live;

/// Deployments and rollbacks in a row.
const CHANGES: usize = 50;

#[test]
fn b1_no_request_is_lost_in_fifty_deployments_and_rollbacks_in_a_row() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.edit("app = \"hello\"", "app = \"hello\"\ndrain = \"3s\"");
    project.landfall(&["deploy", "--yes"]).ok();
    let mut live = Live::start(&sandbox, &project, "v1");
    let mut before = "v1".to_owned();
    let mut current = "v1".to_owned();
    for change in 2..=CHANGES {
        // Every fifth change goes back by hand.
        if change % 5 == 0 {
            live.changes_to(&before, &["rollback", "--yes"]).ok();
            std::mem::swap(&mut before, &mut current);
            continue;
        }
        let version = format!("v{change}");
        project.release(&version, "good");
        project.edit("app = \"hello\"", "app = \"hello\"\ndrain = \"3s\"");
        live.changes_to(&version, &["deploy", "--yes"]).ok();
        before = std::mem::replace(&mut current, version);
    }
    let report = live.assert_nothing_lost();
    for kind in [
        Kind::KeepAlive,
        Kind::NewConnection,
        Kind::WebSocketMessage,
        Kind::Slow,
    ] {
        assert!(report.count(kind) > 0, "no {kind:?} request was made");
    }
}

#[test]
fn b1_scaling_and_restarting_lose_no_request() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    // The WebSocket would be waited for longer than everything else takes.
    project.edit("app = \"hello\"", "app = \"hello\"\ndrain = \"3s\"");
    project.landfall(&["deploy", "--yes"]).ok();
    let live = Live::start(&sandbox, &project, "v1");
    live.unchanged(&["scale", "web=3", "--yes"]).ok();
    live.unchanged(&["restart", "--yes"]).ok();
    live.unchanged(&["scale", "web=1", "--yes"]).ok();
    live.assert_nothing_lost();
}

#[test]
fn b4_a_rollback_restores_code_and_env_together() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.append("[env]\nGREETING = \"first\"");
    project.landfall(&["deploy", "--yes"]).ok();
    project.release("v2", "good");
    project.append("[env]\nGREETING = \"second\"");
    project.landfall(&["deploy", "--yes"]).ok();

    let dry = project.landfall(&["rollback", "--dry-run"]).ok();
    assert!(dry.stdout.contains("GREETING"), "{dry:#}");
    assert!(
        !dry.stdout.contains("second"),
        "a plan shows no values: {dry:#}"
    );
    project.landfall(&["rollback", "--yes"]).ok();

    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["release"]["number"], 1, "{status:#}");
    let environ = sandbox
        .processes()
        .into_iter()
        .filter_map(|process| std::fs::read(format!("/proc/{}/environ", process.pid)).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .find(|environ| environ.contains("LANDFALL_SERVICE=web"))
        .expect("the app runs");
    assert!(environ.contains("GREETING=first"), "{environ:?}");
}

#[test]
fn b4_a_rollback_to_a_release_that_is_gone_is_refused_with_the_reason() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.edit("app = \"hello\"", "app = \"hello\"\nkeep_releases = 1");
    project.landfall(&["deploy", "--yes"]).ok();
    for version in ["v2", "v3"] {
        project.release(version, "good");
        project.edit("app = \"hello\"", "app = \"hello\"\nkeep_releases = 1");
        project.landfall(&["deploy", "--yes"]).ok();
    }
    let refused = project
        .landfall(&["rollback", "--to", "1", "--yes"])
        .fails_with(5);
    assert!(refused.stderr.contains("release 1 is gone"), "{refused:#}");
    let unknown = project
        .landfall(&["rollback", "--to", "77", "--yes"])
        .fails_with(5);
    assert!(unknown.stderr.contains("no release 77"), "{unknown:#}");
}
