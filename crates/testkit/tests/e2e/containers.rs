//! The hello app in containers of a real engine: B1 to B5, B7 and B9 hold there as well.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use landfall_testkit::docker::{DockerEngine, busybox_root};
use landfall_testkit::{Project, Sandbox, bins, wait_until};
use serde_json::{Value, json};

use crate::live::Live;

const PATIENCE: Duration = Duration::from_secs(60);

/// An engine, and a sandbox whose agent uses it.
struct Yard {
    // Before the engine: what the agent keeps goes first.
    sandbox: Sandbox,
    engine: DockerEngine,
}

impl Yard {
    fn new() -> Self {
        let engine = DockerEngine::start(false);
        let host = format!("unix://{}", engine.socket().display());
        let sandbox = Sandbox::new().with_env("DOCKER_HOST", host);
        fs::create_dir(sandbox.dir().join("hello")).unwrap();
        Self { sandbox, engine }
    }

    fn project(&self) -> Project<'_> {
        Project::at(&self.sandbox, self.sandbox.dir().join("hello"))
    }

    /// Builds `hello:VERSION`, with a behaviour, and writes a landfall.toml that runs it.
    fn release(&self, version: &str, hello: Value) {
        let root = self.sandbox.dir().join("image");
        let _ = fs::remove_dir_all(&root);
        busybox_root(&root);
        fs::create_dir(root.join("app")).unwrap();
        with_libraries(&bins::hello(), &root, "app/hello");
        fs::write(root.join("app/hello.json"), hello.to_string()).unwrap();
        self.engine.import(&root, &format!("hello:{version}"));
        self.configure(version);
    }

    fn good(&self, version: &str) {
        self.release(version, json!({ "version": version, "behaviour": "good" }));
    }

    fn configure(&self, version: &str) {
        let text = format!(
            r#"
app   = "hello"
drain = "3s"

[service.web]
image   = "hello:{version}"
run     = "/app/hello"
dir     = "/app"
port    = 3000
ready   = {{ path = "/health", within = "20s" }}
version = {{ path = "/version", expect = "{version}" }}

[[route]]
to = "web"

[[smoke]]
get    = "/orders"
expect = {{ status = 307, location = "/auth/login" }}
"#
        );
        self.project().write("landfall.toml", &text);
    }

    fn status(&self) -> Value {
        self.project().landfall(&["status", "--json"]).ok().json()
    }

    /// Ids of the engine's containers that run.
    fn running(&self) -> Vec<String> {
        let listed = self.engine.docker(&["ps", "-q", "--no-trunc"]);
        listed.lines().map(str::to_owned).collect()
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        let stop = ["agent", "stop", "--everything", "--yes"];
        let _ = self.project().landfall(&stop);
    }
}

/// Copies a program and the libraries that it needs below a root directory.
fn with_libraries(program: &Path, root: &Path, to: &str) {
    fs::copy(program, root.join(to)).unwrap();
    let listed = Command::new("ldd").arg(program).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for path in listed
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
    {
        let copy = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(path, copy).unwrap();
    }
}

#[test]
fn b1_containers_are_deployed_and_rolled_back_under_load_without_losing_a_request() {
    let yard = Yard::new();
    yard.good("v1");
    let project = yard.project();
    project.landfall(&["deploy", "--yes"]).ok();
    let mut live = Live::start(&yard.sandbox, &project, "v1");
    for version in ["v2", "v3"] {
        yard.good(version);
        live.changes_to(version, &["deploy", "--yes"]).ok();
    }
    live.changes_to("v2", &["rollback", "--yes"]).ok();
    live.unchanged(&["scale", "web=2", "--yes"]).ok();
    live.unchanged(&["restart", "--yes"]).ok();
    live.assert_nothing_lost();
    assert_eq!(yard.running().len(), 2);
}

#[test]
fn b4_a_rollback_runs_the_image_that_the_release_had_whatever_its_name_means_today() {
    let yard = Yard::new();
    yard.good("v1");
    let project = yard.project();
    project.landfall(&["deploy", "--yes"]).ok();
    yard.good("v2");
    project.landfall(&["deploy", "--yes"]).ok();
    yard.engine.docker(&["tag", "hello:v2", "hello:v1"]);
    project.landfall(&["rollback", "--yes"]).ok();
    assert_eq!(yard.status()["serving"], 1);

    let image = project.landfall(&["releases", "--json"]).ok().json();
    let image = image[0]["artifacts"]["web"].as_str().unwrap().to_owned();
    yard.engine.docker(&["rmi", "--force", &image]);
    let refused = project.landfall(&["rollback", "--to", "2", "--yes"]);
    assert_eq!(refused.code, Some(5), "{refused:#}");
    assert!(refused.stderr.contains("is gone"), "{refused:#}");
}

#[test]
fn b2_b3_bad_images_never_take_the_good_one_down_and_tell_why() {
    let yard = Yard::new();
    yard.good("v1");
    let project = yard.project();
    project.landfall(&["deploy", "--yes"]).ok();
    let before = yard.running();
    let live = Live::start(&yard.sandbox, &project, "v1");
    for (behaviour, kind, says) in [
        ("exits-at-once", "exited-at-start", "HELLO_DATABASE_URL"),
        ("unhealthy", "unhealthy", "500"),
        ("never-listens", "never-listened", "never listened"),
        ("wrong-smoke", "smoke-failed", "307"),
    ] {
        yard.release("v2", json!({ "version": "v2", "behaviour": behaviour }));
        project.edit("within = \"20s\"", "within = \"4s\"");
        let stopped = live.unchanged(&["deploy", "--yes", "--json"]);
        assert_eq!(stopped.code, Some(3), "{stopped:#}");
        let cause = stopped.json()["cause"].clone();
        assert_eq!(cause["kind"], kind, "{cause:#}");
        assert!(cause.to_string().contains(says), "{cause:#}");
    }
    live.assert_nothing_lost();
    assert_eq!(yard.running(), before, "the old container runs on");
}

#[test]
fn b10_an_image_that_is_not_there_is_refused_before_anything_happens() {
    let yard = Yard::new();
    yard.configure("v9");
    let refused = yard.project().landfall(&["plan"]);
    assert_eq!(refused.code, Some(5), "{refused:#}");
    assert!(refused.stderr.contains("hello:v9"), "{refused:#}");
    assert!(refused.stderr.contains("docker pull"), "{refused:#}");
}

#[test]
fn e3_a_container_that_comes_back_at_another_address_is_followed() {
    let yard = Yard::new();
    yard.good("v1");
    yard.project().landfall(&["deploy", "--yes"]).ok();
    let id = yard.running().remove(0);
    let address = || {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        yard.engine.docker(&["inspect", "--format", format, &id])
    };
    let before = address();
    // It is taken in between, so the container cannot get it again.
    let network = "landfall-hello-local";
    yard.engine
        .docker(&["network", "disconnect", "--force", network, &id]);
    let image = "landfall-test/busybox:1";
    let run = [
        "run",
        "-d",
        "--network",
        network,
        image,
        "/bin/sleep",
        "600",
    ];
    yard.engine.docker(&run);
    yard.engine
        .docker(&["network", "connect", "--alias", "web", network, &id]);
    wait_until(PATIENCE, "the app at its new address", || {
        yard.status()["serving"] == 1
    });
    assert_ne!(address(), before);
}

#[test]
fn a3_a_container_that_someone_removed_is_made_again() {
    let yard = Yard::new();
    yard.good("v1");
    yard.project().landfall(&["deploy", "--yes"]).ok();
    let id = yard.running().remove(0);
    yard.engine.docker(&["rm", "--force", &id]);
    wait_until(PATIENCE, "the app in a new container", || {
        yard.status()["serving"] == 1
    });
    assert_ne!(yard.running(), [id]);
}

#[test]
fn b7_containers_serve_on_without_the_agent_which_finds_them_again() {
    let yard = Yard::new();
    yard.good("v1");
    let project = yard.project();
    project.landfall(&["deploy", "--yes"]).ok();
    let before = yard.running();
    let live = Live::start(&yard.sandbox, &project, "v1");
    project.landfall(&["agent", "stop"]).ok();
    let answered = live.answered();
    wait_until(PATIENCE, "answers without an agent", || {
        live.answered() > answered + 50
    });
    project.landfall(&["agent", "start"]).ok();
    assert_eq!(yard.status()["serving"], 1);
    live.assert_nothing_lost();
    assert_eq!(yard.running(), before);
    project.landfall(&["agent", "stop"]).ok();
    let everything = ["agent", "stop", "--everything", "--yes"];
    let stopped = project.landfall(&everything).ok().stdout;
    assert!(stopped.contains("hello in local"), "{stopped}");
    assert!(yard.running().is_empty(), "stopped without an agent");
}

#[test]
fn d7_removing_an_app_leaves_foreign_containers_and_its_volumes_alone() {
    let yard = Yard::new();
    yard.good("v1");
    let project = yard.project();
    project.edit(
        "port    = 3000",
        "port    = 3000\nvolumes = [\"data:/data\"]",
    );
    let plain = ["run", "-d", "--name", "landfall-web-1-foreign"];
    let image = ["landfall-test/busybox:1", "/bin/sleep", "600"];
    let foreign = yard
        .engine
        .docker(&[&plain[..], &["--network", "none"], &image].concat());
    project.landfall(&["deploy", "--yes"]).ok();
    yard.good("v2");
    project.edit(
        "port    = 3000",
        "port    = 3000\nvolumes = [\"data:/data\"]",
    );
    let plan = project.landfall(&["plan"]).ok().stdout;
    assert!(plan.contains("stop-first"), "{plan}");
    project.landfall(&["deploy", "--yes"]).ok();
    project.landfall(&["remove", "--yes"]).ok();
    assert_eq!(yard.running(), [foreign]);
    let networks = yard
        .engine
        .docker(&["network", "ls", "--format", "{{.Name}}"]);
    assert!(!networks.contains("landfall-"), "{networks}");
    let volumes = yard.engine.docker(&["volume", "ls", "-q"]);
    assert!(volumes.contains("landfall-hello-local-data"), "{volumes}");
}

#[test]
fn b9_a_task_runs_in_the_image_of_the_new_release_before_the_switch() {
    let yard = Yard::new();
    yard.good("v1");
    let project = yard.project();
    let task = |text: &str| {
        let table = "[task.migrate]\nservice = \"web\"\nwhen = \"before-switch\"\nshell = ";
        project.append(&format!("{table}\"{text}\""));
    };
    task("cat /app/hello.json; echo release $LANDFALL_RELEASE");
    let deployed = project.landfall(&["deploy", "--yes"]).ok();
    assert!(deployed.stdout.contains("release 1"), "{deployed:#}");
    yard.good("v2");
    task("echo no such table >&2; exit 4");
    let failed = project.landfall(&["deploy", "--yes", "--json"]);
    assert_eq!(failed.code, Some(3), "{failed:#}");
    let cause = failed.json()["cause"].clone();
    assert_eq!(cause["kind"], "task-failed", "{cause:#}");
    assert!(cause.to_string().contains("no such table"), "{cause:#}");
    assert_eq!(yard.status()["serving"], 1);
}
