//! Every call that the agent makes of its host fails once, with and without its effect.

use landfall_testkit::fake::{Fault, Moment};

use crate::ask::{Ask, begun};
use crate::settled;
use crate::sim::Begun;

/// Runs `what` with these calls failing; what is not well afterwards, and the calls it made.
fn run(begun: &Begun, ask: Ask, faults: &[Fault]) -> (Vec<String>, Vec<&'static str>, String) {
    let agent = begun.agent();
    ask.announce(&agent);
    agent.host.inject(faults);
    let accepted = agent.run(agent.deployments.submit(ask.request()));
    agent.settle();
    let trace = agent.host.trace();
    let mut found = settled::faults(&agent);
    if faults.is_empty() {
        let row = agent.row(accepted.unwrap().deployment.unwrap());
        assert_eq!(row.phase.outcome(), Some(ask.outcome()), "{:?}", row.cause);
    }
    let story = if found.is_empty() {
        String::new()
    } else {
        settled::story(&agent)
    };
    found.truncate(4);
    (found, trace, story)
}

fn sweep(ask: Ask) {
    let begun = begun(ask);
    let (found, trace, story) = run(&begun, ask, &[]);
    assert!(
        found.is_empty(),
        "{ask:?} without a fault: {found:#?}{story}"
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
            let (found, _, story) = run(&begun, ask, &[fault]);
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
        "{ask:?}: {} of the calls harm when they fail\n{}\nthe first one:{told}",
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
    sweep(Ask::Deploy);
}

#[test]
fn b2_any_call_may_fail_while_a_release_that_never_gets_ready_is_undone() {
    sweep(Ask::DeployUnready);
}

#[test]
fn b3_any_call_may_fail_while_users_are_brought_back_from_a_bad_release() {
    sweep(Ask::DeploySpoiled);
}

#[test]
fn b4_any_call_of_a_rollback_may_fail_and_users_are_served_on() {
    sweep(Ask::Rollback);
}

#[test]
fn b2_any_call_of_a_scaling_may_fail_and_users_are_served_on() {
    sweep(Ask::Scale);
}

#[test]
fn b2_any_call_of_a_restart_may_fail_and_users_are_served_on() {
    sweep(Ask::Restart);
}

#[test]
fn b2_any_call_of_a_stop_may_fail_and_it_ends_whole() {
    sweep(Ask::Stop);
}

#[test]
fn b2_any_call_of_a_start_may_fail_and_it_ends_whole() {
    sweep(Ask::Start);
}
