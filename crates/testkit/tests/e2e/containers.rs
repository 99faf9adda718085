//! The hello app in containers of a real engine: B1 to B4, B7, B9, B10, D7 and E3 hold there as well.

use std::collections::BTreeSet;
use std::fs;
use std::rc::Rc;
use std::time::Duration;

use landfall_testkit::docker::DockerEngine;
use landfall_testkit::load::LoadPlan;
use landfall_testkit::{Sandbox, wait_for, wait_until};
use serde_json::json;

use crate::kill_agent::settled;
use crate::live::Live;
use crate::yard::Yard;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn b1_containers_are_deployed_and_rolled_back_under_load_without_losing_a_request() {
    let yard = Yard::deployed();
    let project = yard.project();
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
    let yard = Yard::deployed();
    let project = yard.project();
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
    let yard = Yard::deployed();
    let project = yard.project();
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
fn b10_an_image_that_neither_the_server_nor_a_registry_has_leaves_all_as_it_is() {
    let yard = Yard::deployed();
    let before = yard.running();
    yard.configure("v9");
    let plan = yard.project().landfall(&["plan"]).ok();
    assert!(plan.stdout.contains("pull"), "{plan:#}");
    let failed = yard.project().landfall(&["deploy", "--yes"]);
    assert_eq!(failed.code, Some(3), "{failed:#}");
    assert!(failed.stderr.contains("hello:v9"), "{failed:#}");
    assert!(failed.stderr.contains("docker login"), "{failed:#}");
    assert_eq!(yard.running(), before);
    assert_eq!(yard.status()["serving"], 1);
}

#[test]
fn e3_a_container_that_comes_back_at_another_address_is_followed() {
    let yard = Yard::deployed();
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
    let yard = Yard::deployed();
    let id = yard.running().remove(0);
    yard.engine.docker(&["rm", "--force", &id]);
    wait_until(PATIENCE, "the app in a new container", || {
        yard.status()["serving"] == 1
    });
    assert_ne!(yard.running(), [id]);
}

#[test]
fn b7_containers_serve_on_without_the_agent_which_finds_them_again() {
    let yard = Yard::deployed();
    let project = yard.project();
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

/// Kills the agent at point `at` of a deployment of v2 over v1; whether it has so many points.
fn kill_at(engine: &Rc<DockerEngine>, at: u32) -> bool {
    let mut yard = Yard::on(engine, Sandbox::new());
    yard.configure("v1");
    yard.project().landfall(&["deploy", "--yes"]).ok();
    yard.project().landfall(&["agent", "stop"]).ok();
    let mark = yard.sandbox.dir().join("killed");
    // From here on the agent kills itself once, at the given point.
    yard.sandbox.set_env("LANDFALL_CRASH_AT", at.to_string());
    yard.sandbox
        .set_env("LANDFALL_CRASH_MARK", mark.as_os_str());
    let project = yard.project();
    project.landfall(&["agent", "start"]).ok();
    let status = yard.sandbox.agent_status();
    let address = status["agent"]["http"][0].as_str().unwrap();
    let plan = LoadPlan {
        keep_alive: 2,
        new_connections: 1,
        websockets: 0,
        slow: 0,
        ..LoadPlan::new(address.parse().unwrap(), "localhost")
    };
    yard.configure("v2");
    let mut live = Live::start_with(&project, "v1", plan);
    let mut killed = None;
    live.may_change_to("v2", &["deploy", "--yes", "--json"], |output| {
        killed = fs::read_to_string(&mark).ok();
        let place = format!("killed at {at}: {killed:?}; {output:#}");
        let view = settled(&project, &place);
        assert_eq!(
            view["serving"], view["release"]["number"],
            "{place}\n{view:#}"
        );
        let instances = view["services"][0]["instances"].as_array().unwrap();
        let name = |one: &serde_json::Value| format!("landfall-{}", one["id"].as_str().unwrap());
        let declared: BTreeSet<String> = instances.iter().map(name).collect();
        wait_for(PATIENCE, &place, || {
            (yard.names() == declared).then_some(())
        });
        if view["serving"] == 1 {
            "v1".into()
        } else {
            "v2".into()
        }
    });
    live.assert_nothing_lost();
    project.landfall(&["remove", "--yes"]).ok();
    killed.is_some()
}

#[test]
fn b7_an_agent_killed_at_every_point_of_a_deployment_of_containers_leaves_everything_whole() {
    let yard = Yard::new();
    yard.good("v1");
    yard.good("v2");
    let killed = (1..).take_while(|at| kill_at(&yard.engine, *at)).count();
    assert!(killed > 10, "only {killed} points were passed");
}
