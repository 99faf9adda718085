//! Compose files on a server: their images are built there, of sources that were brought there.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use landfall_testkit::docker::IMAGE;
use landfall_testkit::server::{Kind, ServerBox, ServerEngine, User};
use landfall_testkit::{Project, Sandbox, bins, wait_until};
use serde_json::json;

use crate::laptop::{add, from_outside, inside, laptop};
use crate::live::Live;
use crate::yard::with_libraries;

const COMPOSE: &str = r#"
services:
  web:
    build: web
    environment: { PORT: "3000", HOST: "0.0.0.0" }
    expose: ["3000"]
    depends_on: [store]
  store:
    image: busybox
    command: sh -c 'date >>/data/started; exec tail -f /data/started'
    stop_grace_period: 1s
    volumes: ["data:/data"]
volumes:
  data:
"#;

const DOCKERFILE: &str =
    "FROM busybox\nCOPY root /\nCOPY hello.json /app/\nWORKDIR /app\nCMD [\"./hello\"]\n";

/// An app of a Compose file with an image that is built.
struct App<'a> {
    sandbox: &'a Sandbox,
    dir: PathBuf,
}

impl<'a> App<'a> {
    fn new(sandbox: &'a Sandbox, server: &ServerBox<'_>) -> Self {
        let dir = sandbox.dir().join("hello");
        fs::create_dir_all(dir.join("web/root/app")).expect("a directory");
        let stripped = sandbox.dir().join("stripped");
        let mut strip = Command::new("strip");
        let done = strip.arg("-o").arg(&stripped).arg(bins::hello()).status();
        assert!(
            done.is_ok_and(|status| status.success()),
            "strip, of binutils"
        );
        with_libraries(&stripped, &dir.join("web/root"), "app/hello");
        let app = Self { sandbox, dir };
        app.write("compose.yaml", COMPOSE);
        app.write("web/Dockerfile", DOCKERFILE);
        let host = server.host(User::Deploy);
        let toml = format!(
            "app = \"hello\"\ncompose = [\"compose.yaml\"]\ndrain = \"3s\"\n\
             [service.web]\nready = {{ path = \"/health\" }}\n[[route]]\nto = \"web\"\n\
             [environment.production]\nserver = \"{host}\"\n"
        );
        app.write("landfall.toml", &toml);
        app.release("v1");
        app
    }

    fn release(&self, version: &str) {
        let hello = json!({ "version": version, "behaviour": "good" });
        self.write("web/hello.json", &hello.to_string());
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.dir.join(path), text).expect("a file");
    }

    fn project(&self) -> Project<'a> {
        Project::at(self.sandbox, &self.dir)
    }
}

/// Brings an image with the tools of busybox to the engine of a server.
pub fn bring_busybox(server: &ServerBox<'_>) {
    server.bring_images(&[IMAGE]);
    inside(server, &format!("docker tag {IMAGE} busybox"));
}

fn container(server: &ServerBox<'_>, service: &str) -> String {
    let name = format!("docker ps -q --no-trunc --filter label=dev.landfall.service={service}");
    let id = inside(server, &name).trim().to_owned();
    assert!(!id.is_empty(), "{service} has no container");
    id
}

#[test]
fn b1_c5_a_compose_file_is_built_on_its_server_and_survives_deploys_and_a_power_cut() {
    let server = ServerBox::boot(ServerEngine::shared(), "composed", Kind::Docker);
    bring_busybox(&server);
    let sandbox = laptop(&server);
    add(&sandbox, &server, User::Deploy).ok();
    let app = App::new(&sandbox, &server);
    let project = app.project();
    let first = project.landfall(&["deploy", "--yes"]).ok();
    assert!(first.stdout.contains("✓ sources"), "{first:#}");
    let nothing = project.landfall(&["deploy", "--yes"]).ok();
    assert!(nothing.stdout.contains("nothing to do"), "{nothing:#}");
    let store = container(&server, "store");

    let mut live = Live::start_with(&project, "v1", from_outside(&server));
    app.release("v2");
    let second = live.changes_to("v2", &["deploy", "--yes"]).ok();
    assert!(
        second.stdout.contains("web/hello.json") || second.stdout.contains("hello.json"),
        "{second:#}"
    );
    live.changes_to("v1", &["rollback", "--yes"]).ok();
    live.assert_nothing_lost();
    assert_eq!(
        container(&server, "store"),
        store,
        "what did not change is left alone"
    );

    server.power_cut();
    server.power_on();
    let answers = || {
        let asked = ["curl", "-sS", "--max-time", "5", "http://127.0.0.1/version"];
        server.exec(&asked).stdout.contains("v1")
    };
    wait_until(
        Duration::from_secs(90),
        "v1 answers after the boot",
        answers,
    );
    let started = "docker run --rm --volumes-from $(docker ps -q --filter label=dev.landfall.service=store) \
        busybox cat /data/started | wc -l";
    assert_ne!(inside(&server, started).trim(), "0", "its data is there");
}
