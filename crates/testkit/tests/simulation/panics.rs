//! A defect in the agent ends the deployment that met it, and nothing else.

use std::cell::Cell;
use std::rc::Rc;

use landfall_agent::failpoint;
use landfall_model::CauseKind;
use landfall_model::rollout::Outcome;

use crate::ask::{Ask, begun};
use crate::settled;
use crate::sim::{Agent, Begun};

/// Carries out a request with a panic at the given point; what is not well afterwards, or `None`
/// when there is no such point.
fn panics_at(begun: &Begun, ask: Ask, at: usize) -> Option<Vec<String>> {
    let agent = begun.agent();
    ask.announce(&agent);
    let (passed, met) = (Cell::new(0), Rc::new(Cell::new("")));
    let (host, point) = (agent.host.clone(), met.clone());
    failpoint::watch(Some(Rc::new(move |name| {
        host.pass(name);
        passed.set(passed.get() + 1);
        if passed.get() == at {
            point.set(name);
            panic!("a defect, as the simulation asked");
        }
    })));
    let id = agent.submit(ask.request()).unwrap();
    agent.settle();
    let point = met.get();
    (!point.is_empty()).then(|| {
        let mut found = settled::faults(&agent);
        found.extend(says_so(&agent, id, ask));
        found.truncate(4);
        let told = |fault| format!("at {at}, {point}: {fault}");
        found.into_iter().map(told).collect()
    })
}

fn says_so(agent: &Agent, id: landfall_model::DeploymentId, ask: Ask) -> Option<String> {
    let row = agent.row(id);
    let kind = row.cause.as_ref().map(|cause| cause.kind);
    let is_said = kind == Some(CauseKind::Internal) || row.phase.outcome() == Some(ask.outcome());
    let is_good = row.phase.outcome() == Some(Outcome::Succeeded);
    let is_kept_from_users = ask.outcome() == Outcome::Succeeded || !is_good;
    (!is_said || !is_kept_from_users).then(|| format!("{:?} {:?}", row.phase, row.cause))
}

fn sweep(ask: Ask) {
    let begun = begun(ask);
    let mut failures = Vec::new();
    let mut points = 0;
    while let Some(found) = panics_at(&begun, ask, points + 1) {
        failures.extend(found);
        points += 1;
    }
    assert!(points > 10, "{points} points are few");
    assert!(failures.is_empty(), "{ask:?}: {failures:#?}");
}

#[test]
fn b2_a_defect_at_any_point_of_a_deploy_is_taken_back_and_users_are_served_on() {
    sweep(Ask::Deploy);
}

#[test]
fn b2_a_defect_while_a_bad_release_is_taken_back_leaves_users_with_the_good_one() {
    sweep(Ask::DeployUnready);
    sweep(Ask::DeploySpoiled);
}

#[test]
fn b2_a_defect_at_any_point_of_a_restart_leaves_users_served() {
    sweep(Ask::Restart);
}
