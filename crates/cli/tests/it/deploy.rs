//! Deployments through the binary, on an app that is served as files.

use std::io::{BufRead, BufReader};
use std::process::Command;

use crate::harness::{Test, has_all, ran};
use crate::server::{Key, Server};

#[test]
fn b10_a_plan_says_what_a_deploy_does_and_the_deploy_does_it() {
    let test = Test::with_site();
    let plan = test.ok(&["plan"]).stdout;
    has_all(&plan, &["site in local", "release 1", "first build", "web"]);
    let (code, planned) = test.json(&["plan"]);
    assert_eq!((code, planned["plan"]["to"].as_u64()), (0, Some(1)));
    let (code, deployed) = test.json(&["deploy"]);
    assert_eq!(code, 0, "{deployed}");
    assert_eq!(deployed["outcome"], "succeeded");
    assert_eq!(deployed["release"], 1);
    assert_eq!(deployed["plan"]["steps"], planned["plan"]["steps"]);
    assert!(test.get("/index.html").contains("<h1>one</h1>"));
    let (code, again) = test.json(&["deploy"]);
    assert_eq!((code, &again["deployment"]), (0, &serde_json::Value::Null));
}

#[test]
fn a2_status_names_release_commit_and_commits_that_are_not_deployed() {
    let test = Test::with_site();
    let git = |args: &[&str]| test.git(args);
    git(&["init", "-q", "-b", "trunk"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "First page"]);
    test.ok(&["deploy"]);
    test.write("dist/index.html", "<h1>two</h1>\n");
    git(&["commit", "-q", "-a", "-m", "Second page"]);
    let (_, status) = test.json(&["status"]);
    assert_eq!(status["release"]["number"], 1);
    assert_eq!(status["serving"], 1);
    assert_eq!(status["release"]["source"]["subject"], "First page");
    assert_eq!(status["undeployed"]["count"], 1);
    let shown = test.ok(&["status"]).stdout;
    has_all(
        &shown,
        &[
            "First page",
            "trunk",
            "1 commit is not deployed",
            "Second page",
            "ada@",
        ],
    );
}

#[test]
fn a2_status_of_an_environment_on_a_server_tells_how_it_came_to_be_live_and_what_is_not() {
    let test = Test::with_site();
    let server = Server::of(&test);
    let git = |args: &[&str]| test.git(args);
    git(&["init", "-q", "-b", "trunk"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "First page"]);
    server.ok(Key::Limited, "production", &["deploy"]);
    test.write("dist/index.html", "<h1>two</h1>\n");
    server.ok(Key::Limited, "production", &["deploy"]);
    let shown = || server.ok(Key::Limited, "production", &["status"]).stdout;
    let text = shown();
    has_all(
        &text,
        &[
            "First page",
            "the tree held changes that this commit does not",
            "the tree here has changes that are in no commit",
            "artifact",
        ],
    );
    assert!(!text.contains("live by"), "{text}");
    git(&["commit", "-q", "-a", "-m", "Second page"]);
    server.ok(Key::Limited, "production", &["deploy", "--force"]);
    server.ok(Key::Limited, "production", &["rollback", "--to", "1"]);
    let status = server.json(Key::Limited, "production", &["status"]);
    assert_eq!(status["live_since"]["how"], "rollback", "{status}");
    assert_eq!(status["live_since"]["deployment"], 4);
    assert_eq!(status["undeployed"]["count"], 1);
    assert_eq!(status["undeployed"]["dirty"], false);
    let text = shown();
    has_all(
        &text,
        &[
            "live by    rollback, ",
            "1 commit is not deployed",
            "Second page",
        ],
    );
    // Somebody else deployed what this branch does not have.
    server.ok(Key::Limited, "production", &["rollback", "--to", "3"]);
    git(&["reset", "-q", "--hard", "HEAD~1"]);
    let text = shown();
    assert!(
        text.contains("has 1 commit that this branch does not"),
        "{text}"
    );
    std::fs::remove_dir_all(test.app().join(".git")).unwrap();
    git(&["init", "-q"]);
    git(&["commit", "-q", "--allow-empty", "-m", "Another history"]);
    let text = shown();
    assert!(
        text.contains("does not have the commit that is live"),
        "{text}"
    );
}

#[test]
fn b4_a_rollback_restores_the_release_before_and_history_keeps_both() {
    let test = Test::with_site();
    test.ok(&["deploy"]);
    assert_eq!(
        test.run(&["rollback"]).code,
        5,
        "there is nothing to go back to"
    );
    test.write("dist/index.html", "<h1>two</h1>\n");
    test.ok(&["deploy"]);
    assert!(test.get("/index.html").contains("two"));
    let dry = test.ok(&["rollback", "--dry-run"]).stdout;
    assert!(dry.contains("release 2 → release 1"), "{dry}");
    assert!(
        test.get("/index.html").contains("two"),
        "a dry run did something"
    );
    let (code, back) = test.json(&["rollback"]);
    assert_eq!((code, back["live"].as_u64()), (0, Some(1)), "{back}");
    assert!(test.get("/index.html").contains("one"));
    let (_, history) = test.json(&["history"]);
    assert_eq!(
        history["deployments"].as_array().unwrap().len(),
        3,
        "{history}"
    );
    let report = test.ok(&["report", "2"]).stdout;
    assert!(report.starts_with("# "), "{report}");
}

#[test]
fn b3_a_release_that_fails_its_smoke_check_ends_with_exit_code_3_and_says_what_serves() {
    let test = Test::with_site();
    test.ok(&["deploy"]);
    let toml = test
        .read("landfall.toml")
        .replace("/index.html", "/missing.html");
    test.write("landfall.toml", &toml);
    test.write("dist/index.html", "<h1>bad</h1>\n");
    let ran = test.run(&["deploy"]);
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    for part in [
        "before any user met it",
        "/missing.html",
        "release 1 keeps serving",
        "landfall report",
    ] {
        assert!(
            ran.stderr.contains(part),
            "{part:?} is missing in:\n{}",
            ran.stderr
        );
    }
    assert!(test.get("/index.html").contains("one"));
    let (_, json) = test.json(&["deploy"]);
    assert_eq!(json["outcome"], "stopped");
    assert_eq!(json["cause"]["kind"], "smoke-failed");
}

/// The site, with a build that waits until a file appears.
fn waiting_site() -> Test {
    let test = Test::with_site();
    let toml = test.read("landfall.toml").replace(
        "build = { inputs",
        "build = { shell = \"echo waiting; until [ -e ../go ]; do sleep 0.05; done\", inputs",
    );
    test.write("landfall.toml", &toml);
    test
}

#[test]
fn b6_ctrl_c_lets_go_of_the_view_and_the_deployment_can_be_followed_to_its_end() {
    let test = waiting_site();
    let mut deploy = test.start(&["deploy"]);
    let mut lines = BufReader::new(deploy.stdout.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap().contains("| waiting"))
        .unwrap()
        .unwrap();
    let pid = deploy.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let rest: String = lines.map(|line| line.unwrap() + "\n").collect();
    assert_eq!(deploy.wait().unwrap().code(), Some(7), "{rest}");
    assert!(rest.contains("landfall attach 1"), "{rest}");
    assert!(rest.contains("landfall cancel 1"), "{rest}");
    let attach = test.start(&["attach", "--json"]);
    test.write("../go", "");
    let attached = ran(attach.wait_with_output().unwrap());
    assert_eq!(attached.code, 0, "{}", attached.stderr);
    let events: Vec<serde_json::Value> = attached
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.last().unwrap()["event"]["type"], "finished");
    let after = events[2]["number"].to_string();
    let later = test
        .ok(&["attach", "1", "--after", &after, "--json"])
        .stdout;
    assert_eq!(later.lines().count(), events.len() - 3);
}

#[test]
fn b6_cancel_ends_a_deployment_for_real() {
    let test = waiting_site();
    let mut deploy = test.start(&["deploy"]);
    let mut lines = BufReader::new(deploy.stdout.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap().contains("| waiting"))
        .unwrap()
        .unwrap();
    test.ok(&["cancel"]);
    lines.for_each(drop);
    assert_eq!(deploy.wait().unwrap().code(), Some(3));
    assert_eq!(
        test.json(&["status"]).1["deployment"],
        serde_json::Value::Null
    );
    assert_eq!(test.run(&["cancel"]).code, 5);
}

#[test]
fn b7_a_deployment_is_followed_through_the_death_of_the_agent() {
    let test = waiting_site();
    let mut deploy = test.start(&["deploy", "--json"]);
    let mut lines = BufReader::new(deploy.stderr.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap().contains("| waiting"))
        .unwrap()
        .unwrap();
    let (_, status) = test.json(&["agent", "status"]);
    crate::harness::kill(status["agent"]["pid"].as_u64().unwrap());
    let drained = std::thread::spawn(move || lines.for_each(drop));
    let ended = ran(deploy.wait_with_output().unwrap());
    drained.join().unwrap();
    test.write("../go", "");
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(json["outcome"], "stopped", "{json}");
    assert_eq!(json["cause"]["kind"], "interrupted", "{json}");
}

#[test]
fn a_variable_of_the_environment_that_is_not_text_is_nobody_s_concern() {
    use std::os::unix::ffi::OsStrExt;
    let test = Test::with_site();
    let mut deploy = test.command(&["deploy", "--yes"]);
    deploy.env("STRANGE", std::ffi::OsStr::from_bytes(b"\xff\xfe"));
    let output = deploy.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
