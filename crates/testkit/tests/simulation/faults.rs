//! Every call that the agent makes of its host fails once, with and without its effect.

use std::collections::BTreeMap;

use landfall_agent::api::types::DeployRequest;
use landfall_model::plan::Intent;
use landfall_testkit::fake::{Fault, Moment};

use crate::app::{Version, name, request};
use crate::settled;
use crate::sim::{Agent, Begun};

/// What a person can ask for, by name.
pub fn intent(what: &str) -> DeployRequest {
    let services = vec![];
    request(
        match what {
            "deploy" => return Version::good("v3").deploy(),
            "rollback" => Intent::Rollback { to: None },
            "scale" => Intent::Scale {
                replicas: BTreeMap::from([(name("web"), 3), (name("api"), 2)]),
            },
            "restart" => Intent::Restart { services },
            "stop" => Intent::Stop { services },
            "start" => Intent::Start { services },
            other => panic!("{other}"),
        },
        None,
    )
}

/// Where a simulation of it begins.
pub fn begun(what: &str) -> Begun {
    Begun::with(|agent| {
        for version in ["v1", "v2"] {
            settled::assert_succeeded(&agent.deploy(Version::good(version).deploy()));
        }
        if what == "start" {
            allow_stop(agent);
            settled::assert_succeeded(&agent.deploy(intent("stop")));
        }
    })
}

pub fn allow_stop(agent: &Agent) {
    agent
        .host
        .may_be_stopped(["api", "ledger", "site", "web"].map(name));
}

/// Runs `what` with these calls failing; what is not well afterwards, and the calls it made.
fn run(begun: &Begun, what: &str, faults: &[Fault]) -> (Vec<String>, Vec<&'static str>, String) {
    let agent = begun.agent();
    if matches!(what, "stop" | "start") {
        allow_stop(&agent);
    }
    agent.host.inject(faults);
    let accepted = agent.run(agent.deployments.submit(intent(what)));
    agent.settle();
    let trace = agent.host.trace();
    let mut found = settled::faults(&agent);
    if faults.is_empty() {
        settled::assert_succeeded(&agent.row(accepted.unwrap().deployment.unwrap()));
    }
    let story = if found.is_empty() {
        String::new()
    } else {
        settled::story(&agent)
    };
    found.truncate(4);
    (found, trace, story)
}

fn sweep(what: &str) {
    let begun = begun(what);
    let (found, trace, story) = run(&begun, what, &[]);
    assert!(
        found.is_empty(),
        "{what} without a fault: {found:#?}{story}"
    );
    let mut failures = Vec::new();
    let mut told = String::new();
    for (call, name) in trace.iter().enumerate() {
        let variants: &[(Moment, bool)] = match *name {
            "apply" => &[
                (Moment::Before, false),
                (Moment::Before, true),
                (Moment::After, false),
                (Moment::After, true),
            ],
            "start" | "stop" | "remove" | "build" | "materialise" | "collect_garbage" => {
                &[(Moment::Before, false), (Moment::After, false)]
            }
            _ => &[(Moment::Before, false)],
        };
        for &(moment, refuses) in variants {
            let call = call as u64;
            let fault = Fault {
                call,
                moment,
                refuses,
            };
            let (found, _, story) = run(&begun, what, &[fault]);
            if !found.is_empty() {
                failures.push(format!("{name} {fault:?}: {found:#?}"));
                if told.is_empty() {
                    told = story;
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{what}: {} of the calls harm when they fail\n{}\nthe first one:{told}",
        failures.len(),
        failures
            .iter()
            .take(40)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n"),
    );
}

#[test]
fn b2_any_call_of_a_deploy_may_fail_and_users_are_served_on() {
    sweep("deploy");
}

#[test]
fn b4_any_call_of_a_rollback_may_fail_and_users_are_served_on() {
    sweep("rollback");
}

#[test]
fn b2_any_call_of_a_scaling_may_fail_and_users_are_served_on() {
    sweep("scale");
}

#[test]
fn b2_any_call_of_a_restart_may_fail_and_users_are_served_on() {
    sweep("restart");
}

#[test]
fn b2_any_call_of_a_stop_may_fail_and_it_ends_whole() {
    sweep("stop");
}

#[test]
fn b2_any_call_of_a_start_may_fail_and_it_ends_whole() {
    sweep("start");
}
