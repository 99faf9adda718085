//! B7: the agent is killed at every point of a deployment that it passes, and everything is whole
//! afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use landfall_testkit::load::LoadPlan;
use landfall_testkit::{Project, Sandbox, wait_for};
use serde_json::Value;

use crate::live::Live;

/// How long a deployment and its recovery may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Kills the agent at point `at` of a deployment of `behaviour`; whether the deployment has so
/// many points.
fn kill_at(at: u32, behaviour: &str) -> bool {
    let sandbox = Sandbox::new();
    let mark = sandbox.dir().join("killed");
    let project = Project::hello(&sandbox);
    project.edit("app = \"hello\"", "app = \"hello\"\ndrain = \"1s\"");
    project.landfall(&["deploy", "--yes"]).ok();
    project.landfall(&["agent", "stop"]).ok();
    // From here on the agent kills itself once, at the given point.
    let sandbox = sandbox
        .with_env("LANDFALL_CRASH_AT", at.to_string())
        .with_env("LANDFALL_CRASH_MARK", mark.as_os_str());
    let project = Project::at(&sandbox, sandbox.dir().join("hello"));
    sandbox.landfall(["agent", "start"]).ok();
    let status = sandbox.agent_status();
    let address = status["agent"]["http"][0]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let plan = LoadPlan {
        keep_alive: 2,
        new_connections: 1,
        websockets: 1,
        slow: 0,
        ..LoadPlan::new(address, "localhost")
    };
    project.release("v2", behaviour);
    // The WebSocket would be waited for longer than everything else takes.
    project.edit("app = \"hello\"", "app = \"hello\"\ndrain = \"1s\"");
    let mut live = Live::start_with(&project, "v1", plan);
    let mut killed = None;
    live.may_change_to("v2", &["deploy", "--yes", "--json"], |output| {
        killed = fs::read_to_string(&mark).ok();
        let place = format!("killed at {at}: {killed:?}; {output:#}");
        let view = settled(&project, &place);
        assert_whole(&sandbox, &view, &place);
        if view["serving"] == 1 {
            "v1".into()
        } else {
            "v2".into()
        }
    });
    live.assert_nothing_lost();
    killed.is_some()
}

/// The environment once no deployment is under way.
pub fn settled(project: &Project<'_>, place: &str) -> Value {
    wait_for(PATIENCE, place, || {
        let status = project.landfall(&["status", "--json"]);
        let view: Value = serde_json::from_str(&status.stdout).ok()?;
        let idle = view["deployment"].is_null() && view["queued"].as_array()?.is_empty();
        idle.then_some(view)
    })
}

/// Nothing is orphaned: what runs is what is served, and what is on disk is what is kept.
fn assert_whole(sandbox: &Sandbox, view: &Value, place: &str) {
    assert_eq!(
        view["serving"], view["release"]["number"],
        "{place}\n{view:#}"
    );
    assert_eq!(
        view["differences"].as_array().map(Vec::len),
        Some(0),
        "{place}\n{view:#}"
    );
    let declared: BTreeSet<String> = view["services"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|service| service["instances"].as_array().unwrap())
        .map(|instance| instance["id"].as_str().unwrap().to_owned())
        .collect();
    wait_for(PATIENCE, place, || {
        (running(sandbox) == declared).then_some(())
    });
    let releases = sandbox.home().join("apps/hello/local/releases");
    let kept: BTreeSet<String> = fs::read_dir(releases)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let live = view["release"]["number"].to_string();
    let expected: BTreeSet<String> = if live == "1" {
        ["1".to_owned()].into()
    } else {
        ["1".to_owned(), live].into()
    };
    assert_eq!(kept, expected, "{place}");
}

/// Instances whose app runs.
fn running(sandbox: &Sandbox) -> BTreeSet<String> {
    let instance = |pid: i32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let environ = String::from_utf8_lossy(&environ).into_owned();
        let variable = environ
            .split('\0')
            .find_map(|pair| pair.strip_prefix("LANDFALL_INSTANCE="));
        variable.map(str::to_owned)
    };
    sandbox
        .processes()
        .into_iter()
        .filter_map(|process| instance(process.pid))
        .collect()
}

/// Kills at every point until the deployment ends without having passed so many.
fn sweep(behaviour: &str, first: u32, stride: usize) {
    let killed = (first..)
        .step_by(stride)
        .take_while(|at| kill_at(*at, behaviour))
        .count();
    assert!(killed > 3, "only {killed} points were passed");
}

#[test]
fn b7_an_agent_killed_at_every_odd_point_of_a_deployment_leaves_everything_whole() {
    sweep("good", 1, 2);
}

#[test]
fn b7_an_agent_killed_at_every_even_point_of_a_deployment_leaves_everything_whole() {
    sweep("good", 2, 2);
}

#[test]
fn b7_an_agent_killed_at_every_point_of_a_bad_deployment_and_its_undo_leaves_everything_whole() {
    sweep("wrong-smoke", 1, 1);
}
