//! B6 on servers: a connection that is cut while deployments go on, and does not come back.

use std::time::Duration;

use landfall_testkit::server::{Kind, ServerBox, ServerEngine};
use landfall_testkit::{Sandbox, wait_until};

use crate::laptop::{deployed, environment, inside, laptop, release};
use crate::servers_faults::version;
use crate::watched::{Ended, Watched};

/// Within this the command gives up a server: a minute for one that is gone to come back, what ssh
/// takes to notice, and a busy machine.
const GIVEN_UP: Duration = Duration::from_secs(120);
const PATIENCE: Duration = Duration::from_secs(60);
/// Lets ssh notice a cut in seconds.
const ALERT: &str = "-o ConnectTimeout=3 -o ServerAliveInterval=1 -o ServerAliveCountMax=3";

/// An environment beside production, whose deployments wait in a task for a file of the app's user
/// from `v2` on.
const STAGING: &str = r#"
[[environment.staging.route]]
host = "staging.test"
to   = "web"
"#;
const WAIT: &str = r#"
[task.wait]
service = "web"
shell   = "until test $LANDFALL_ENVIRONMENT = production || test -e ~/go; do sleep 0.1; done"
when    = "before-switch"
"#;

const DEPLOY_STAGING: [&str; 4] = ["deploy", "--yes", "--env", "staging"];

fn staging_version(server: &ServerBox<'_>) -> String {
    let asked = "curl -sS --max-time 5 --header 'Host: staging.test' http://127.0.0.1/version";
    inside(server, asked)
}

/// Asserts that a command gave the server up, and told of what goes on there; which deployment.
#[track_caller]
fn gave_up(ended: &Ended) -> String {
    assert_eq!(ended.code, Some(6), "{ended:#?}");
    let follow = ended.stderr.split("landfall attach ").nth(1);
    let id = follow.and_then(|rest| rest.split(|other: char| !other.is_ascii_digit()).next());
    let id = id.unwrap_or_else(|| panic!("it does not say how to return: {ended:#?}"));
    assert!(
        ended.stderr.contains(&format!("landfall cancel {id}")),
        "{ended:#?}"
    );
    id.to_owned()
}

#[test]
fn b6_a_cut_for_good_ends_the_commands_and_their_deploys_are_found_done_or_cancelled() {
    let server = ServerBox::boot(ServerEngine::shared(), "severed", Kind::Plain);
    let ssh = format!("{} {ALERT}", server.ssh_command());
    let sandbox: Sandbox = laptop(&server).with_env("LANDFALL_SSH", ssh);
    let project = deployed(&sandbox, &server);
    environment(&project, "staging", &server);
    project.append(STAGING);
    project.landfall(&DEPLOY_STAGING).ok();

    release(&project, &server, "v2", "slow-start");
    environment(&project, "staging", &server);
    project.append(&format!("{STAGING}{WAIT}"));
    let mut waits = Watched::start(&sandbox, &project, &DEPLOY_STAGING);
    waits.until("✓ prepare");
    let mut goes_on = Watched::start(&sandbox, &project, &["deploy", "--yes"]);
    goes_on.until("✓ start");
    server.unplug();
    let (goes_on, waits) = (goes_on.end(GIVEN_UP), waits.end(GIVEN_UP));
    let (done, waiting) = (gave_up(&goes_on), gave_up(&waits));
    wait_until(PATIENCE, "release 2 is live", || {
        version(&server).contains("v2")
    });

    server.plug_in();
    let watched = project.landfall(&["attach", &done]).ok();
    assert!(watched.stdout.contains("release 2 is live"), "{watched:#}");
    let status = project.landfall(&["status", "--json", "--env", "staging"]);
    let under_way = status.ok().json()["deployment"].clone();
    assert_eq!(under_way.to_string(), waiting);
    assert!(staging_version(&server).contains("v1"));
    let cancel = ["cancel", &waiting, "--env", "staging"];
    project.landfall(&cancel).ok();
    let ended = project.landfall(&["attach", &waiting, "--env", "staging"]);
    assert_eq!(ended.code, Some(3), "{ended:#}");
    assert!(staging_version(&server).contains("v1"));
    let status = project.landfall(&["status", "--json", "--env", "staging"]);
    let status = status.ok().json();
    assert_eq!(status["release"]["number"], 1, "{status:#}");
    assert!(status["deployment"].is_null(), "{status:#}");
}
