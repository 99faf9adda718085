//! Builds on servers, asked for by a deploy and by a push: who makes them, and what they reach.

use std::process::Command;

use landfall_testkit::server::{Kind, ServerBox, ServerEngine, User};
use landfall_testkit::{Project, Sandbox};

use crate::laptop::{add, from_outside, inside, laptop};
use crate::live::Live;

/// What a good build does.
const PLAIN: &str = "mkdir -p out && cp bin/hello hello.json out/\n";

/// Says what it sees, tries what it must not do, and leaves a process behind that goes on writing
/// where outputs are taken from.
const NOSY: &str = "\
echo \"is $(id -un) with $(grep -E 'CapEff|NoNewPrivs' /proc/self/status | tr -s '[:space:]' ' ')\"
cat /var/lib/landfall/state.db /var/lib/landfall/apps/hello/production/persistent/web/kept/secret 2>&1
kill -9 $(pgrep -x hello) 2>&1
ls -A /tmp; touch /tmp/own $HOME/of-builds && ls $HOME
setsid sh -c 'while :; do : >out/ticking; done' >/dev/null 2>&1 &
";

/// Makes the app another version that is built on the server.
fn release(project: &Project<'_>, server: &ServerBox<'_>, version: &str, build: &str) {
    project.release(version, "good");
    project.edit(
        "shell  = \"mkdir -p dist && cp bin/hello hello.json dist/\"",
        "shell = \"sh build.sh\"",
    );
    project.edit("output = \"dist\"", "output = \"out\"");
    project.edit(
        "[\"bin/hello\", \"hello.json\"]",
        "[\"bin/hello\", \"*.json\", \"build.sh\"]",
    );
    project.edit(
        "run   = \"./hello\"",
        "run = \"./hello\"\nwritable = [\"kept\"]",
    );
    // The WebSocket of the load would be waited for longer than everything else takes.
    project.edit("app = \"hello\"", "app = \"hello\"\ndrain = \"3s\"");
    let host = server.host(User::Deploy);
    project.append(&format!(
        "[environment.production]\nserver = \"{host}\"\nbuild_on = \"server\""
    ));
    project.write("build.sh", build);
}

fn deployed<'a>(sandbox: &'a Sandbox, server: &ServerBox<'_>) -> Project<'a> {
    add(sandbox, server, User::Deploy).ok();
    let project = Project::hello(sandbox);
    release(&project, server, "v1", PLAIN);
    project.landfall(&["deploy", "--yes"]).ok();
    project
}

#[test]
fn c5_a_build_on_a_server_reaches_nothing_but_its_own_source() {
    let server = ServerBox::boot(ServerEngine::shared(), "builds", Kind::Plain);
    let sandbox = laptop(&server);
    let project = deployed(&sandbox, &server);
    let environment = "/var/lib/landfall/apps/hello/production";
    inside(
        &server,
        &format!("echo not-yours >{environment}/persistent/web/kept/secret"),
    );

    let mut live = Live::start_with(&project, "v1", from_outside(&server));
    release(&project, &server, "v2", &format!("{NOSY}{PLAIN}"));
    let built = live.changes_to("v2", &["deploy", "--yes"]).ok();
    let has = |text: &str| built.stdout.contains(text);
    assert!(has("is lb-hello-production"), "{built:#}");
    assert!(has("CapEff: 0000000000000000 NoNewPrivs: 1"), "{built:#}");
    assert!(has("state.db: Permission denied"), "{built:#}");
    assert!(
        has("secret: Permission denied") && !has("not-yours"),
        "{built:#}"
    );
    assert!(has("ot permitted"), "it may kill an app: {built:#}");
    assert!(!has("web | own"), "its /tmp is another's: {built:#}");
    assert!(has("web | of-builds"), "it has no home: {built:#}");
    live.assert_nothing_lost();
    let left = "pgrep -u $(stat -c %u $D/build-home) -l; ls $D";
    let left = inside(&server, &format!("D={environment}; {left}"));
    assert_eq!(left, "build-home\nhome\npersistent\nreleases\nsources\n");

    release(
        &project,
        &server,
        "v3",
        &format!("{PLAIN}ln -s /etc/shadow out/x\n"),
    );
    let refused = project.landfall(&["deploy", "--yes"]).fails_with(3);
    assert!(refused.stderr.contains("/etc/shadow"), "{refused:#}");
    let left = inside(&server, &format!("ls {environment}"));
    assert!(
        !left.contains("build\n"),
        "the work tree of a failed build is left: {left}"
    );
}

#[test]
fn c5_b1_pushes_over_ssh_deploy_under_load_and_fail_when_the_deploy_does() {
    let server = ServerBox::boot(ServerEngine::shared(), "pushes", Kind::Plain);
    let sandbox = laptop(&server);
    let project = deployed(&sandbox, &server);
    git(&project, &["init", "--quiet", "--initial-branch=main"]);
    commit(&project, "First");
    project.landfall(&["server", "git"]).ok();

    let mut live = Live::start_with(&project, "v1", from_outside(&server));
    for version in ["v2", "v3"] {
        release(&project, &server, version, PLAIN);
        commit(&project, version);
        let push = || push(&project, &server, &["production", "main"]);
        let (pushed, said) = live.changes_by(version, push);
        assert!(pushed, "{said}");
        assert!(said.contains("is live"), "{said}");
    }
    release(&project, &server, "v4", "echo cannot >&2; exit 3\n");
    commit(&project, "Broken");
    let (pushed, said) = push(&project, &server, &["production", "main"]);
    assert!(!pushed, "{said}");
    assert!(
        said.contains("cannot") && said.contains("release 3 keeps serving"),
        "{said}"
    );
    live.assert_nothing_lost();

    // From then on it is the server's own Landfall that is pushed to, whichever that is.
    let hook = inside(
        &server,
        "cat /home/deploy/landfall/hello/production.git/hooks/pre-receive",
    );
    assert!(hook.contains("exec /usr/local/bin/landfall "), "{hook}");
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["release"]["source"]["subject"], "v3", "{status:#}");
}

fn git(project: &Project<'_>, args: &[&str]) {
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    let mut git = Command::new("git");
    let done = git.args(who).args(args).current_dir(project.dir()).status();
    assert!(done.is_ok_and(|status| status.success()), "git {args:?}");
}

fn commit(project: &Project<'_>, subject: &str) {
    git(project, &["add", "--all"]);
    git(project, &["commit", "--quiet", "--message", subject]);
}

fn push(project: &Project<'_>, server: &ServerBox<'_>, args: &[&str]) -> (bool, String) {
    let mut git = Command::new("git");
    git.arg("push").args(args).current_dir(project.dir());
    let done = git.env("GIT_SSH_COMMAND", server.ssh_command()).output();
    let done = done.expect("git");
    (
        done.status.success(),
        String::from_utf8_lossy(&done.stderr).into_owned(),
    )
}
