//! B6, B9: the queue, cancelling, tasks, stopping and starting, logs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use landfall_testkit::{Project, Sandbox, wait_for, wait_until};
use serde_json::json;

use crate::live::Live;

const PATIENCE: Duration = Duration::from_secs(60);

/// What the proxy sends for the first page, head and body.
fn answer(sandbox: &Sandbox) -> String {
    let mut stream = TcpStream::connect(sandbox.http()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn b6_a_cancelled_deployment_is_undone_and_says_who_cancelled_it() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let live = Live::start(&sandbox, &project, "v1");
    project.release("v2", "never-listens");
    let mut deploy = sandbox
        .command(["deploy", "--yes", "--json"])
        .current_dir(project.dir())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until(PATIENCE, "a deployment under way", || {
        project.landfall(&["status", "--json"]).ok().json()["deployment"] == 2
    });
    project.landfall(&["cancel", "2"]).ok();
    assert_eq!(deploy.wait().unwrap().code(), Some(3));
    let history = project.landfall(&["history", "--json"]).ok().json();
    let cause = &history["deployments"][0]["cause"];
    assert_eq!(cause["kind"], "cancelled", "{history:#}");
    assert!(cause["summary"].as_str().unwrap().contains('@'), "{cause}");
    live.assert_nothing_lost();
}

#[test]
fn b6_a_second_deployment_waits_its_turn_and_a_superseding_one_takes_it() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    project.release_with(json!({"version": "v2", "behaviour": "slow-start", "ms": 5000}));
    let spawn = |args: &[&str]| {
        sandbox
            .command(args)
            .current_dir(project.dir())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut first = spawn(&["deploy", "--yes"]);
    let status = || project.landfall(&["status", "--json"]).ok().json();
    wait_until(PATIENCE, "the first under way", || {
        status()["deployment"] == 2
    });
    project.release("v3", "good");
    let mut second = spawn(&["deploy", "--yes"]);
    wait_until(PATIENCE, "the second in the queue", || {
        status()["queued"] == json!([3])
    });
    project.release("v4", "good");
    project.landfall(&["deploy", "--yes", "--supersede"]).ok();
    assert!(first.wait().unwrap().success());
    assert_ne!(second.wait().unwrap().code(), Some(0));
    let history = project.landfall(&["history", "--json"]).ok().json();
    let outcomes: Vec<_> = history["deployments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["outcome"].clone())
        .collect();
    assert_eq!(
        json!(outcomes),
        json!(["succeeded", "superseded", "succeeded", "succeeded"])
    );
}

#[test]
fn b9_tasks_run_before_and_after_the_switch_and_by_hand() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    let log = sandbox.dir().join("tasks.log");
    let task = |name: &str, when: &str| {
        let line = format!("echo {name} $LANDFALL_RELEASE >> {}", log.display());
        format!("[task.{name}]\nservice = \"web\"\nwhen = \"{when}\"\nshell = \"{line}\"\n")
    };
    project.append(&task("migrate", "before-switch"));
    project.append(&task("purge", "after-switch"));
    project.append(&format!(
        "[task.seed]\nservice = \"web\"\nshell = \"echo seeding; echo seed >> {}\"\n",
        log.display()
    ));
    project.landfall(&["deploy", "--yes"]).ok();
    let seeded = project.landfall(&["run", "seed"]).ok();
    assert!(seeded.stdout.contains("seeding"), "{seeded:#}");
    let ran = std::fs::read_to_string(&log).unwrap();
    assert_eq!(
        ran.lines().collect::<Vec<_>>(),
        ["migrate 1", "purge 1", "seed"]
    );
    let unknown = project.landfall(&["run", "sead"]);
    assert_ne!(unknown.code, Some(0));
    assert!(unknown.stderr.contains("seed"), "{unknown:#}");
    let history = project.landfall(&["history", "--json"]).ok().json();
    assert_eq!(
        history["operations"][0]["what"], "ran task seed",
        "{history:#}"
    );
}

#[test]
fn a_stopped_service_gives_503_and_comes_back_with_start() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    project.landfall(&["stop", "--yes"]).ok();
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["services"][0]["stopped"], true, "{status:#}");
    assert_eq!(status["services"][0]["instances"], json!([]), "{status:#}");
    assert_eq!(status["serving"], json!(null), "{status:#}");
    let answer = answer(&sandbox).to_lowercase();
    assert!(answer.starts_with("http/1.1 503 "), "{answer}");
    assert!(answer.contains("landfall-error: stopped"), "{answer}");
    project.landfall(&["start", "--yes"]).ok();
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["serving"], 1, "{status:#}");
}

#[test]
fn f4_logs_are_kept_by_release_and_can_be_searched() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    project.release("v2", "good");
    project.landfall(&["deploy", "--yes"]).ok();
    let lines = |args: &[&str]| project.landfall(args).ok().stdout;
    let first = wait_for(PATIENCE, "a line of release 1", || {
        let lines = lines(&["logs", "web", "--release", "1"]);
        (!lines.trim().is_empty()).then_some(lines)
    });
    assert!(first.contains("v1"), "{first}");
    assert!(!first.contains("v2"), "{first}");
    assert_eq!(
        lines(&["logs", "--tail", "1", "--release", "1"])
            .lines()
            .count(),
        1
    );
    assert!(
        lines(&["logs", "--grep", "no such line at all"])
            .trim()
            .is_empty()
    );
}

#[test]
fn a_removed_app_leaves_nothing_behind_but_its_history_and_can_come_back() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let kept = sandbox.home().join("apps/hello");
    assert!(kept.exists());
    let refused = project.landfall(&["remove"]);
    assert_eq!(refused.code, Some(2), "nobody was asked: {refused:#}");
    assert!(kept.exists());
    let removed = project.landfall(&["remove", "--yes", "--json"]).ok().json();
    assert_eq!(removed["releases"], 1, "{removed:#}");
    assert!(answer(&sandbox).starts_with("HTTP/1.1 404 "));
    let left = std::fs::read_dir(sandbox.home().join("instances")).unwrap();
    assert_eq!(left.count(), 0, "records of instances are left");
    assert!(!kept.join("local").exists());
    let history = project.landfall(&["history"]).ok().stdout;
    assert!(history.contains("removed the environment"), "{history}");
    let back = project.landfall(&["rollback", "--yes"]);
    assert_eq!(back.code, Some(5), "{back:#}");
    project.landfall(&["deploy", "--yes"]).ok();
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(
        status["serving"], 2,
        "numbers are never used twice: {status:#}"
    );
}

#[test]
fn b5_a_program_that_does_not_heed_its_signal_is_killed_after_its_grace_and_that_is_said() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.release("v1", "ignores-sigterm");
    project.append("[service.web.stop]\ngrace = \"1s\"");
    project.landfall(&["deploy", "--yes"]).ok();
    project.release("v2", "good");
    project.append("[service.web.stop]\ngrace = \"1s\"");
    let deployed = project.landfall(&["deploy", "--yes"]).ok();
    let said = "did not stop within 1 s of SIGTERM: killed";
    assert!(deployed.stdout.contains(said), "{deployed:#}");
}
