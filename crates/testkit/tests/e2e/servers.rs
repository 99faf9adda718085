//! Servers: made ready, deployed to over ssh, upgraded, given back.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use landfall_testkit::Project;
use landfall_testkit::server::{Kind, ServerBox, ServerEngine, User};

use crate::laptop::{add, deployed, from_outside, inside, laptop, place, release, stripped};
use crate::live::Live;

/// What runs as the app's user, and what it may.
const APP: &str = "pid=$(pgrep -x hello) && ps -o user= -p $pid && \
    grep -E '^(NoNewPrivs|CapEff|Groups)' /proc/$pid/status";

#[test]
fn g2_b1_a_fresh_server_is_made_ready_and_deployed_to_under_load_from_outside() {
    let server = ServerBox::boot(ServerEngine::shared(), "fresh", Kind::Plain);
    let sandbox = laptop(&server);
    let host = server.host(User::Deploy);
    let looked = sandbox.landfall(["server", "add", &host, "--dry-run"]).ok();
    assert!(
        looked.stdout.contains("✓ port      80 is free"),
        "{looked:#}"
    );
    assert_eq!(
        inside(
            &server,
            "ls -A /usr/local/bin /usr/local/lib; id -un deploy"
        ),
        listing(&server)
    );
    assert_eq!(
        inside(&server, "ls /var/lib/landfall 2>/dev/null | wc -l"),
        "0\n"
    );

    let added = add(&sandbox, &server, User::Deploy).ok().json();
    let is_new = |part: &serde_json::Value| part["is_new"] == true;
    assert!(
        added["done"].as_array().expect("parts").iter().all(is_new),
        "{added:#}"
    );
    let again = add(&sandbox, &server, User::Deploy).ok().json();
    assert!(
        !again["done"].as_array().expect("parts").iter().any(is_new),
        "{again:#}"
    );
    let checked = sandbox.landfall(["server", "check", &host]).ok();
    assert!(
        checked.stdout.contains("agent and proxy answer"),
        "{checked:#}"
    );

    let project = Project::hello(&sandbox);
    place(&project, &server);
    let first = project.landfall(&["deploy", "--yes"]).ok();
    assert!(first.stdout.contains("✓ transfer"), "{first:#}");
    let url = format!("http://{}/", server.address());
    assert!(first.stdout.contains(&url), "{first:#}");
    let nothing = project.landfall(&["deploy", "--yes"]).ok();
    assert!(nothing.stdout.contains("nothing to do"), "{nothing:#}");

    let mut live = Live::start_with(&project, "v1", from_outside(&server));
    for version in ["v2", "v3"] {
        release(&project, &server, version, "good");
        live.changes_to(version, &["deploy", "--yes"]).ok();
    }
    live.changes_to("v2", &["rollback", "--yes"]).ok();
    release(&project, &server, "v4", "exits-at-once");
    live.unchanged(&["deploy", "--yes"]).fails_with(3);
    live.assert_nothing_lost();

    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["release"]["number"], 2, "{status:#}");
    let app = inside(&server, APP);
    assert!(app.starts_with("lf-hello-production"), "{app}");
    assert!(
        app.contains("NoNewPrivs:\t1") && app.contains("CapEff:\t0000000000000000"),
        "{app}"
    );
}

/// What a box has in these directories by itself.
fn listing(server: &ServerBox<'_>) -> String {
    let own = inside(server, "ls -A /usr/local/bin /usr/local/lib; echo deploy");
    assert!(!own.contains("landfall"), "{own}");
    own
}

#[test]
fn g2_an_app_reads_its_release_and_writes_only_what_is_its_own() {
    let server = ServerBox::boot(ServerEngine::shared(), "confined", Kind::Plain);
    let sandbox = laptop(&server);
    add(&sandbox, &server, User::Deploy).ok();
    let project = Project::hello(&sandbox);
    place(&project, &server);
    project.append(
        "[task.look]\nservice = \"web\"\nshell = \"\"\"\n\
        id -un; touch x 2>&1; touch data/kept && ls data; touch /tmp/own && ls /tmp; echo $HOME; \
        ls /var/lib/landfall 2>&1; cat /var/lib/landfall/state.db 2>&1; true\n\"\"\"",
    );
    project.edit(
        "run   = \"./hello\"",
        "run   = \"./hello\"\nwritable = [\"data\"]",
    );
    inside(&server, "touch /tmp/of-others");
    project.landfall(&["deploy", "--yes"]).ok();
    let said = project.landfall(&["run", "look"]).ok().stdout;
    let lines: Vec<&str> = said
        .lines()
        .map(|line| line.rsplit("| ").next().unwrap_or(line))
        .collect();
    let has = |text: &str| lines.iter().any(|line| line.contains(text));
    assert!(has("lf-hello-production"), "{said}");
    assert!(has("cannot touch 'x'"), "{said}");
    assert!(has("kept") && has("own"), "{said}");
    assert!(!has("of-others"), "/tmp is its own: {said}");
    assert!(has("/production/home"), "{said}");
    assert!(has("cannot open directory '/var/lib/landfall'"), "{said}");
    assert!(has("state.db: Permission denied"), "{said}");
}

#[test]
fn b7_an_upgrade_under_load_loses_nothing_and_a_broken_one_is_taken_back() {
    let server = ServerBox::boot(ServerEngine::shared(), "upgrade", Kind::Plain);
    let sandbox = laptop(&server);
    let project = deployed(&sandbox, &server);
    let app = || inside(&server, "pgrep -x hello");
    let before = app();
    let proxy = || inside(&server, "systemctl show --property=MainPID landfall-proxy");
    let first_proxy = proxy();

    let live = Live::start_with(&project, "v1", from_outside(&server));
    // Another build of the same: what a binary is made of is what tells versions apart.
    let newer = sandbox.dir().join("newer");
    let mut content = fs::read(stripped(&sandbox)).expect("the binary");
    content.extend(b"newer");
    executable(&newer, &content);
    let newer = newer.to_str().expect("a path");
    live.unchanged(&["server", "upgrade", "--binary", newer])
        .ok();
    assert_ne!(proxy(), first_proxy, "the new proxy took over");
    assert_eq!(app(), before, "no app was restarted");

    // One that says who it is, and does nothing else.
    let broken = sandbox.dir().join("broken");
    let script = "#!/bin/sh\ncase \"$1 $2\" in\n'agent run' | 'proxy --control') exit 1 ;;\nesac\n\
        exec /usr/local/bin/landfall \"$@\"\n";
    executable(&broken, script.as_bytes());
    let broken = broken.to_str().expect("a path");
    let refused = live
        .unchanged(&["server", "upgrade", "--binary", broken])
        .fails_with(5);
    assert!(
        refused.stderr.contains("the one before it runs again"),
        "{refused:#}"
    );
    assert_eq!(app(), before);
    live.assert_nothing_lost();
    sandbox
        .landfall(["server", "check", &server.host(User::Deploy)])
        .ok();

    let host = server.host(User::Deploy);
    let removed = sandbox.landfall(["server", "remove", &host, "--yes"]).ok();
    assert!(removed.stdout.contains("still running"), "{removed:#}");
    assert_eq!(app(), before, "its apps are left to it");
    let left = inside(
        &server,
        "ls /etc/systemd/system | grep landfall; ls /usr/local/bin; true",
    );
    assert!(!left.contains("landfall"), "{left}");
    add(&sandbox, &server, User::Deploy).ok();
    assert_eq!(app(), before, "it takes up what it finds");
    sandbox
        .landfall(["server", "remove", &host, "--yes", "--stop-apps"])
        .ok();
    assert_eq!(inside(&server, "pgrep -x hello; true"), "");
}

fn executable(path: &std::path::Path, content: &[u8]) {
    fs::write(path, content).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}
