//! B7 on servers: what comes back by itself after a power cut, and what waits for what.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use landfall_testkit::server::{Kind, ServerBox, ServerEngine};
use landfall_testkit::{Project, Sandbox, wait_for};

use crate::laptop::{deployed, environment, inside, laptop};
use crate::servers_containers::bring_busybox;

/// Far above what a boot takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The hello app, and a copy that does not start where its user keeps a file.
const BREAKABLE: &str = "shell = \"test ! -e ~/broken && exec ./hello\"";
/// That file of the copy's user.
const BROKEN: &str = "$(getent passwd | grep '^lf-hello-copy-' | cut -d: -f6)/broken";
const COPY: &str = r#"
[[environment.copy.route]]
host = "copy.test"
to   = "web"
"#;

/// Pages that are fetched from another service when they are begun to be served.
const COMPOSE: &str = r#"
services:
  web:
    image: busybox
    command: sh -c 'wget -q -O /tmp/index.html http://store:4000/ && exec httpd -f -p 3000 -h /tmp'
    expose: ["3000"]
    depends_on: { store: { condition: service_healthy } }
  store:
    image: busybox
    command: sh -c 'echo of the store >/tmp/index.html && exec httpd -f -p 4000 -h /tmp'
    stop_grace_period: 1s
    healthcheck:
      test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:4000/"]
      interval: 1s
"#;
const SHELF: &str = r#"
app     = "shelf"
compose = ["compose.yaml"]

[service.web]
ready = { path = "/" }

[[route]]
host = "shelf.test"
to   = "web"
"#;

/// Lets the engine of a server start only when there is a file, which tells so too.
const SLOW: &str = "mkdir -p /etc/systemd/system/docker.service.d && \
    printf '[Service]\\nExecStartPre=/bin/sh -c \"until test -e /root/go; do sleep 0.1; done\"\\n' \
    >/etc/systemd/system/docker.service.d/slow.conf";

fn shelf<'a>(sandbox: &'a Sandbox, server: &ServerBox<'_>) -> Project<'a> {
    let dir: PathBuf = sandbox.dir().join("shelf");
    fs::create_dir(&dir).expect("a directory");
    let project = Project::at(sandbox, dir);
    project.write("compose.yaml", COMPOSE);
    project.write("landfall.toml", SHELF);
    environment(&project, "production", server);
    project
}

/// What a server answers to a request for a host: the status, and the body in a line after it.
fn answer(server: &ServerBox<'_>, host: &str, path: &str) -> String {
    let host = format!("Host: {host}");
    let url = format!("http://127.0.0.1{path}");
    let form = ["curl", "-sS", "--max-time", "20", "--write-out"];
    let asked = ["\n%{http_code}", "--header", &host, &url];
    server.exec(&[&form[..], &asked[..]].concat()).stdout
}

#[track_caller]
fn until_answered(server: &ServerBox<'_>, host: &str, path: &str, text: &str) {
    wait_for(PATIENCE, &format!("{text:?} of {host}"), || {
        let said = answer(server, host, path);
        (said.contains(text) && said.ends_with("\n200")).then_some(())
    });
}

#[test]
fn b7_after_a_power_cut_an_app_waits_neither_for_a_broken_one_nor_for_a_slow_docker() {
    let server = ServerBox::boot(ServerEngine::shared(), "rebooted", Kind::Docker);
    bring_busybox(&server);
    let sandbox = laptop(&server);
    let hello = deployed(&sandbox, &server);
    hello.edit("run   = \"./hello\"", BREAKABLE);
    environment(&hello, "copy", &server);
    hello.append(COPY);
    hello.landfall(&["deploy", "--yes", "--env", "copy"]).ok();
    shelf(&sandbox, &server).landfall(&["deploy", "--yes"]).ok();
    until_answered(&server, "copy.test", "/version", "v1");
    until_answered(&server, "shelf.test", "/", "of the store");

    inside(&server, &format!("touch {BROKEN}"));
    inside(&server, SLOW);
    server.power_cut();
    server.switch_on();
    until_answered(&server, "hello.test", "/version", "v1");
    let engine = server.exec(&["systemctl", "is-active", "docker"]).stdout;
    assert_eq!(engine, "activating\n", "Docker has started before it may");
    for waits in ["copy.test", "shelf.test"] {
        let said = answer(&server, waits, "/");
        let status = said.lines().last().unwrap_or_default();
        assert!(["502", "503", "504"].contains(&status), "{waits}: {said}");
    }

    inside(&server, "touch /root/go");
    server.await_boot();
    until_answered(&server, "shelf.test", "/", "of the store");
    until_answered(&server, "hello.test", "/version", "v1");
    let broken = hello.landfall(&["status", "--env", "copy"]).ok();
    assert!(broken.stdout.contains("crash"), "{broken:#}");

    // It is taken up again as soon as it can be, and an ordered reboot loses nothing either.
    inside(&server, &format!("rm {BROKEN}"));
    until_answered(&server, "copy.test", "/version", "v1");
    server.reboot();
    until_answered(&server, "copy.test", "/version", "v1");
    until_answered(&server, "hello.test", "/version", "v1");
    until_answered(&server, "shelf.test", "/", "of the store");
    let containers = inside(&server, "docker ps -q | wc -l");
    assert_eq!(containers, "2\n", "none was made twice");
}
