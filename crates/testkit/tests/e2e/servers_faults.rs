//! B6, B7 on servers: the messenger dies, the cable is cut, the power goes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use landfall_testkit::server::{Kind, ServerBox, ServerEngine};
use landfall_testkit::{Project, Sandbox, wait_for, wait_until};
use serde_json::Value;

use crate::laptop::{deployed, from_outside, inside, laptop, release};
use crate::live::Live;
use crate::watched::Watched;

/// What a server may take to settle what was cut.
const SETTLED: Duration = Duration::from_secs(90);

/// Runs a deploy until it has printed so many lines of its steps, then does something to it.
fn interrupted(
    project: &Project<'_>,
    sandbox: &Sandbox,
    steps: usize,
    then: impl FnOnce(&mut Command),
) {
    let mut command = sandbox.command(["deploy", "--yes"]);
    command
        .current_dir(project.dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("landfall starts");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let ended = out
        .lines()
        .map_while(Result::ok)
        .filter(|line| line.contains('✓'));
    // One that ends before is interrupted at its end, which is a moment as good as any.
    let _ = ended.take(steps).count();
    let mut kill = Command::new("kill");
    kill.arg("-9").arg(child.id().to_string());
    then(&mut kill);
    let _ = child.kill();
    let _ = child.wait();
}

/// The status once nothing is under way.
fn settled(project: &Project<'_>) -> Value {
    wait_for(SETTLED, "the end of the deployment", || {
        let status = project.landfall(&["status", "--json"]);
        let status = (status.code == Some(0)).then(|| status.json())?;
        let idle = status["deployment"].is_null() && status["queued"] == serde_json::json!([]);
        idle.then_some(status)
    })
}

/// The version that the app answers with.
pub fn version(server: &ServerBox<'_>) -> String {
    let asked = "curl -sS --max-time 5 http://127.0.0.1/version";
    inside(server, asked).trim().to_owned()
}

#[test]
fn b6_a_deploy_goes_on_when_its_command_is_killed_and_can_be_watched_again() {
    let server = ServerBox::boot(ServerEngine::shared(), "messenger", Kind::Plain);
    let sandbox = laptop(&server);
    let project = deployed(&sandbox, &server);
    let mut live = Live::start_with(&project, "v1", from_outside(&server));
    let mut current = "v1".to_owned();
    for steps in 0..10 {
        let next = format!("v{}", steps + 2);
        release(&project, &server, &next, "good");
        live.may_change_to(&next, &["plan", "--json"], |_| {
            interrupted(&project, &sandbox, steps, |kill| {
                kill.status().expect("a kill");
            });
            settled(&project);
            let now = version(&server);
            assert!(now.contains(&next) || now.contains(&current), "{now}");
            match now.contains(&next) {
                true => next.clone(),
                false => current.clone(),
            }
        });
        if version(&server).contains(&next) {
            current = next;
        }
    }
    live.assert_nothing_lost();
    let history = project.landfall(&["history", "--json"]).ok().json();
    let id = history["deployments"][0]["id"].to_string();
    let watched = project.landfall(&["attach", &id]).ok();
    assert!(watched.stdout.contains("is live"), "{watched:#}");
}

#[test]
fn b6_a_cable_that_is_cut_for_a_while_does_not_end_the_view() {
    let server = ServerBox::boot(ServerEngine::shared(), "cut", Kind::Plain);
    let sandbox = laptop(&server);
    let project = deployed(&sandbox, &server);

    release(&project, &server, "v2", "slow-start");
    let mut deploy = Watched::start(&sandbox, &project, &["deploy", "--yes"]);
    deploy.until("✓ start");
    server.unplug();
    // The deployment does not need us.
    wait_until(SETTLED, "release 2 is live", || {
        version(&server).contains("v2")
    });
    server.plug_in();
    let ended = deploy.end(SETTLED);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("release 2 is live"), "{ended:#?}");
}

#[test]
fn b7_a_power_cut_at_ten_moments_of_deploys_leaves_the_old_or_the_new_release_whole() {
    let server = ServerBox::boot(ServerEngine::shared(), "power", Kind::Plain);
    let sandbox = laptop(&server);
    let project = deployed(&sandbox, &server);
    let mut current = "v1".to_owned();
    for steps in 0..10 {
        let next = format!("v{}", steps + 2);
        release(&project, &server, &next, "good");
        interrupted(&project, &sandbox, steps, |kill| {
            server.power_cut();
            kill.status().expect("a kill");
        });
        server.power_on();
        let status = settled(&project);
        let now = wait_for(SETTLED, "an answer after the boot", || {
            let asked =
                server.exec(&["curl", "-sS", "--max-time", "5", "http://127.0.0.1/version"]);
            (asked.code == Some(0)).then_some(asked.stdout)
        });
        assert!(
            now.contains(&next) || now.contains(&current),
            "{now} after {steps} steps"
        );
        let count = inside(&server, "pgrep -xc hello").trim().to_owned();
        assert_eq!(count, "1", "nothing is orphaned after {steps} steps");
        let shown = &status["release"]["number"];
        assert!(!shown.is_null(), "{status:#}");
        if now.contains(&next) {
            current = next;
        }
    }
}
