//! `deploy --ci`: what a job prints, what GitHub Actions is told, and what a cancelled job does.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::harness::{Ran, Test, has_all, ran, wait_until};
use crate::server::{Key, Server};

/// A step of a job of GitHub Actions.
struct Job<'a> {
    test: &'a Test,
}

impl Job<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.test.app().parent().unwrap().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    fn in_it(&self, mut command: Command) -> Command {
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_ACTOR", "grace")
            .env("GITHUB_REPOSITORY", "acme/site")
            .env("GITHUB_RUN_NUMBER", "42")
            .env("GITHUB_WORKSPACE", self.test.app().parent().unwrap())
            .env("GITHUB_STEP_SUMMARY", self.file("summary"))
            .env("GITHUB_OUTPUT", self.file("output"));
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        ran(self.in_it(self.test.command(args)).output().unwrap())
    }

    fn output(&self, name: &str) -> Option<String> {
        let outputs = self.read("output");
        let last = outputs
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix(&format!("{name}=")));
        last.map(str::to_owned)
    }
}

fn with_build(command: &str) -> Test {
    let test = Test::with_site();
    let build = format!("build = {{ shell = {command:?}, inputs");
    let toml = test
        .read("landfall.toml")
        .replace("build = { inputs", &build);
    test.write("landfall.toml", &toml);
    test
}

const WAITS: &str = "echo waiting; until [ -e ../go ]; do sleep 0.05; done";

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Starts a command and waits until its build waits; the rest of what it prints.
fn started(mut command: Command) -> (Child, impl FnOnce() -> String) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut stderr = child.stderr.take().unwrap();
    lines
        .find(|line| line.as_ref().unwrap().contains("| waiting"))
        .unwrap()
        .unwrap();
    let rest = move || {
        let mut all: String = lines.map(|line| line.unwrap() + "\n").collect();
        std::io::Read::read_to_string(&mut stderr, &mut all).unwrap();
        all
    };
    (child, rest)
}

#[test]
fn g5_a_job_on_github_has_groups_a_summary_and_outputs() {
    let test = with_build("echo '::error::not mine'");
    let job = Job { test: &test };
    let ran = job.run(&["deploy", "--ci"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let at = |what: &str| lines.iter().position(|line| *line == what);
    let (begin, end) = (at("::group::build").unwrap(), at("::endgroup::").unwrap());
    let stops = lines[begin + 1].strip_prefix("::stop-commands::").unwrap();
    assert_eq!(lines[end - 1], format!("::{stops}::"));
    let says = lines
        .iter()
        .position(|line| line.contains("not mine"))
        .unwrap();
    assert!(begin + 1 < says && says < end - 1, "{}", ran.stdout);
    assert_eq!(job.output("outcome").as_deref(), Some("succeeded"));
    assert_eq!(job.output("deployment").as_deref(), Some("1"));
    assert_eq!(job.output("release").as_deref(), Some("1"));
    assert!(job.output("url").unwrap().starts_with("http://"));
    let summary = job.read("summary");
    has_all(
        &summary,
        &[
            "### ✅ Deployed site to local",
            "| Release | 1 |",
            "| ✓ | rehearse |",
        ],
    );
    let (_, status) = test.json(&["status"]);
    assert_eq!(status["release"]["by"], "grace@github (acme/site run 42)");
    assert_eq!(job.run(&["deploy", "--ci"]).code, 0);
    assert_eq!(job.output("outcome").as_deref(), Some("unchanged"));
    let plan = job.run(&["deploy", "--ci", "--dry-run", "--force"]);
    assert_eq!(
        (plan.code, job.output("outcome").as_deref()),
        (0, Some("planned"))
    );
}

#[test]
fn g5_a_failed_job_says_why_in_an_annotation_and_in_the_summary() {
    let test = Test::with_site();
    let job = Job { test: &test };
    assert_eq!(job.run(&["deploy", "--ci"]).code, 0);
    let toml = test
        .read("landfall.toml")
        .replace("/index.html", "/missing.html");
    test.write("landfall.toml", &toml);
    test.write("dist/index.html", "<h1>bad</h1>\n");
    let ran = job.run(&["deploy", "--ci"]);
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    let error = "::error title=release 2 was stopped before any user met it::";
    let error = ran
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix(error))
        .unwrap();
    assert!(error.contains("/missing.html"), "{error}");
    assert_eq!(job.output("outcome").as_deref(), Some("stopped"));
    assert_eq!(job.output("release").as_deref(), Some("1"), "what is live");
    let summary = job.read("summary");
    has_all(
        &summary,
        &[
            "### ❌ Did not deploy site to local",
            "**Why:**",
            "| Live now | 1 |",
            "| ✗ |",
        ],
    );
}

#[test]
fn g5_mistakes_in_the_configuration_are_shown_beside_their_lines() {
    let test = Test::with_site();
    let job = Job { test: &test };
    let toml = test.read("landfall.toml").replace("static =", "statik =");
    test.write("landfall.toml", &toml);
    let ran = job.run(&["deploy", "--ci"]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    let place = "::error file=app/landfall.toml,line=3,col=1,title=";
    assert!(
        ran.stderr.lines().any(|line| line.starts_with(place)),
        "{}",
        ran.stderr
    );
    assert_eq!(job.output("outcome").as_deref(), Some("failed"));
    assert!(
        job.read("summary").contains("landfall.toml line 3"),
        "{}",
        job.read("summary")
    );
}

#[test]
fn g5_outside_of_github_a_job_prints_plain_lines() {
    let test = with_build("echo hello");
    let ran = test.ok(&["deploy", "--ci", "--color", "always"]);
    assert!(ran.stdout.contains("web | hello"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("::"), "{}", ran.stdout);
    let json = test.ok(&["deploy", "--ci", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["outcome"], "succeeded");
}

#[test]
fn g5_a_cancelled_job_cancels_a_deployment_that_no_user_has_met() {
    let test = with_build(WAITS);
    let job = Job { test: &test };
    let (mut child, rest) = started(job.in_it(test.command(&["deploy", "--ci"])));
    signal(&child, "-TERM");
    let rest = rest();
    assert_eq!(child.wait().unwrap().code(), Some(3), "{rest}");
    assert!(rest.contains("no user has met its release"), "{rest}");
    assert_eq!(job.output("outcome").as_deref(), Some("stopped"));
    assert!(job.read("summary").contains("> the job was cancelled"));
    let (_, status) = test.json(&["status"]);
    assert_eq!(status["deployment"], serde_json::Value::Null);
    assert_eq!(status["release"], serde_json::Value::Null);
}

#[test]
fn g5_a_cancelled_job_lets_a_deployment_end_that_users_have_met() {
    let test = Test::with_site();
    let job = Job { test: &test };
    let worker = "[service.worker]\nrun = \"sleep 600\"\nready = { up_for = \"10ms\" }\n\
                  build = { inputs = [\"dist/**\"], output = \"dist\" }\n";
    test.write("landfall.toml", &(test.read("landfall.toml") + worker));
    let waits = WAITS.replace("../go", job.file("go").to_str().unwrap());
    let task =
        format!("[task.warm]\nservice = \"worker\"\nshell = {waits:?}\nwhen = \"after-switch\"\n");
    test.write("landfall.toml", &(test.read("landfall.toml") + &task));
    let (mut child, rest) = started(job.in_it(test.command(&["deploy", "--ci"])));
    signal(&child, "-INT");
    let rest = rest();
    assert_eq!(child.wait().unwrap().code(), Some(7), "{rest}");
    assert!(rest.contains("deployment 1 goes on to its end"), "{rest}");
    assert_eq!(job.output("outcome").as_deref(), Some("detached"));
    test.write("../go", "");
    assert_eq!(test.ok(&["attach", "1"]).code, 0);
    assert_eq!(test.json(&["status"]).1["serving"], 1);
}

#[test]
fn g5_a_job_that_is_cancelled_while_it_builds_deploys_nothing_and_leaves_no_build() {
    let test = with_build("echo waiting; echo $$ > ../pid; exec sleep 600");
    let server = Server::of(&test);
    let job = Job { test: &test };
    let deploy = server.command(Key::Limited, "production", &["deploy", "--ci"]);
    let (mut child, rest) = started(job.in_it(deploy));
    wait_until("the build wrote its id", || {
        std::fs::read_to_string(job.file("pid")).is_ok_and(|pid| pid.ends_with('\n'))
    });
    let pid = job.read("pid").trim().to_owned();
    signal(&child, "-TERM");
    let rest = rest();
    assert_eq!(child.wait().unwrap().code(), Some(3), "{rest}");
    assert!(
        rest.contains("cancelled before the deployment began"),
        "{rest}"
    );
    let status = PathBuf::from(format!("/proc/{pid}/status"));
    wait_until("the build is gone", || {
        std::fs::read_to_string(&status).map_or(true, |status| status.contains("Z (zombie)"))
    });
    let history = server.run(Key::Full, "production", &["history"]);
    assert!(!history.stdout.contains("deploy"), "{}", history.stdout);
}

#[test]
fn g5_a_job_with_a_limited_key_deploys_to_a_server() {
    let test = Test::with_site();
    let server = Server::of(&test);
    let job = Job { test: &test };
    let deploy = server.command(Key::Limited, "production", &["deploy", "--ci"]);
    let done = ran(job.in_it(deploy).output().unwrap());
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let summary = job.read("summary");
    has_all(
        &summary,
        &[
            "| Server | ada\\@192.0.2.1 |",
            "| ✓ | build |",
            "| ✓ | transfer |",
        ],
    );
    let deploy = server.command(Key::Limited, "staging", &["deploy", "--ci"]);
    let refused = ran(job.in_it(deploy).output().unwrap());
    assert_eq!(refused.code, 5, "{}{}", refused.stdout, refused.stderr);
    let error = "::error title=not deployed::to deploy site/staging is not allowed";
    assert!(
        refused.stderr.lines().any(|line| line.starts_with(error)),
        "{}",
        refused.stderr
    );
}
