//! A2, A3, A4: what is live, as served and not as declared, and what was done.

use std::process::Command;

use landfall_testkit::{Project, Sandbox};
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn a2_status_tells_the_release_its_commit_and_the_commits_not_deployed() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(project.dir())
            .args(["-c", "user.name=Ada", "-c", "user.email=a@b.c"]);
        assert!(
            git.args(args).output().unwrap().status.success(),
            "git {args:?}"
        );
    };
    git(&["init", "-q", "-b", "main"]);
    project.write(".gitignore", "dist/\n");
    git(&["add", "-A"]);
    git(&["commit", "-qm", "first"]);
    project.landfall(&["deploy", "--yes"]).ok();
    project.write("notes.txt", "more");
    git(&["add", "-A"]);
    git(&["commit", "-qm", "second thoughts"]);
    let text = project.landfall(&["status"]).ok().stdout;
    for expected in ["main", "Ada", "second thoughts"] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
}

#[test]
fn a3_status_says_that_an_app_was_killed_and_restarted() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let status = project.landfall(&["status", "--json"]).ok().json();
    let pid = status["services"][0]["instances"][0]["state"]["pid"]
        .as_i64()
        .unwrap();
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    landfall_testkit::wait_until(std::time::Duration::from_secs(60), "a restart", || {
        let status = project.landfall(&["status", "--json"]).ok().json();
        status["services"][0]["instances"][0]["restarts"] == 1
    });
    let text = project.landfall(&["status"]).ok().stdout;
    assert!(text.contains("restarted"), "{text}");
}

#[test]
fn a4_every_deployment_is_kept_and_prints_as_a_report() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    project.release("v2", "wrong-smoke");
    assert_eq!(project.landfall(&["deploy", "--yes"]).code, Some(3));
    let history = project.landfall(&["history"]).ok().stdout;
    assert!(
        history.contains("stopped") && history.contains("succeeded"),
        "{history}"
    );
    let report = project.landfall(&["report", "2"]).ok().stdout;
    for expected in [
        "# Deployment 2",
        "## Cause",
        "/orders",
        "## Steps",
        "rehearse",
    ] {
        assert!(
            report.contains(expected),
            "{expected:?} is not in\n{report}"
        );
    }
}
