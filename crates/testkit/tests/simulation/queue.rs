//! Several deployments of one environment: one at a time, in order, replaced or cancelled.

use landfall_agent::api::types::{CancelRequest, DeployRequest};
use landfall_model::CauseKind;
use landfall_model::rollout::{Outcome, Phase};

use crate::app::{Version, key};
use crate::ask::{Ask, begun};
use crate::settled;
use crate::sim::Agent;

fn assert_settled(agent: &Agent) {
    let found = settled::faults(agent);
    assert!(found.is_empty(), "{found:#?}{}", settled::story(agent));
}

fn live(agent: &Agent) -> Option<u32> {
    let row = agent.world.store.environment(&key()).unwrap()?;
    row.live.map(|number| number.0)
}

fn by_someone() -> CancelRequest {
    CancelRequest {
        by: "someone".into(),
        before_switch: false,
    }
}

fn deploy(name: &str) -> DeployRequest {
    Version::good(name).deploy()
}

#[test]
fn b6_deployments_that_wait_get_their_turn_in_order() {
    let begun = begun(Ask::Deploy);
    let agent = begun.agent();
    let requests = [deploy("v3"), Ask::DeployUnready.request(), deploy("v4")];
    let ids = requests.map(|request| agent.submit(request).unwrap());
    agent.settle();
    let outcomes = ids.map(|id| agent.row(id).phase.outcome().unwrap());
    assert_eq!(
        outcomes,
        [Outcome::Succeeded, Outcome::Stopped, Outcome::Succeeded]
    );
    assert_settled(&agent);
}

#[test]
fn b6_a_deployment_with_nothing_left_to_do_when_its_turn_comes_succeeds() {
    let begun = begun(Ask::Deploy);
    let agent = begun.agent();
    let ids = [deploy("v3"), deploy("v3")].map(|request| agent.submit(request).unwrap());
    agent.settle();
    for id in ids {
        settled::assert_succeeded(&agent.row(id));
    }
    assert_eq!(live(&agent), Some(3));
    assert_settled(&agent);
}

#[test]
fn b6_superseding_replaces_what_waits_and_nothing_that_runs() {
    let begun = begun(Ask::Deploy);
    let agent = begun.agent();
    let [first, second, third] = ["v3", "v4", "v5"].map(|name| {
        let mut request = deploy(name);
        request.supersede = name == "v5";
        agent.submit(request).unwrap()
    });
    agent.settle();
    let outcomes = [first, second, third].map(|id| agent.row(id).phase.outcome().unwrap());
    assert_eq!(
        outcomes,
        [Outcome::Succeeded, Outcome::Superseded, Outcome::Succeeded]
    );
    assert_settled(&agent);
}

#[test]
fn b6_cancelling_at_any_moment_ends_a_deployment_whole() {
    let begun = begun(Ask::Deploy);
    let mut cancelled = 0;
    for ms in (0..2200).step_by(70) {
        let agent = begun.agent();
        let id = agent.submit(Ask::Deploy.request()).unwrap();
        agent.pass(ms);
        let accepted = agent.deployments.cancel(id, &by_someone()).is_ok();
        agent.settle();
        let row = agent.row(id);
        if accepted {
            cancelled += 1;
            assert_eq!(
                row.cause.map(|cause| cause.kind),
                Some(CauseKind::Cancelled)
            );
            assert_eq!(live(&agent), Some(2));
        } else {
            assert_eq!(row.phase, Phase::Ended(Outcome::Succeeded));
        }
        assert_settled(&agent);
    }
    assert!(cancelled > 10);
}

#[test]
fn b7_a_cancellation_outlives_the_agent_that_took_it() {
    let begun = begun(Ask::Deploy);
    for ms in (0..2200).step_by(70) {
        let agent = begun.agent();
        let id = agent.submit(Ask::Deploy.request()).unwrap();
        agent.pass(ms);
        let accepted = agent.deployments.cancel(id, &by_someone()).is_ok();
        let image = agent.run(async { agent.host.image(begun.root.path()).unwrap() });
        drop(agent);
        let agent = begun.agent_on(&image);
        agent.settle();
        if accepted {
            assert_eq!(live(&agent), Some(2), "cancelled after {ms} ms");
        }
        assert_settled(&agent);
    }
}
