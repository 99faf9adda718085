//! What comes back after a power cut, and in which order.

use landfall_testkit::fake::Listens;

use crate::app::{Version, name};
use crate::sim::{Agent, Begun};

/// The app, whose api takes this long to be ready, after all of it was lost with its supervisors.
fn lost(ready_ms: u64) -> (Begun, Agent) {
    let begun = Begun::with(|agent| {
        let mut version = Version::good("v1");
        version.api.ready_ms = ready_ms;
        agent.deploy(version.deploy());
    });
    let agent = begun.agent();
    for id in agent.host.running().keys() {
        agent.host.kill(id, true);
    }
    (begun, agent)
}

/// Whether instances of a service run.
fn runs(agent: &Agent, service: &str) -> bool {
    let running = agent.host.running();
    running.values().any(|spec| {
        let owner = spec.owner.as_ref();
        owner.is_some_and(|owner| owner.service == name(service))
    })
}

#[test]
fn b7_after_a_power_cut_a_service_waits_until_what_it_needs_is_ready() {
    let (_begun, agent) = lost(2500);
    agent.pass(1500);
    assert!(runs(&agent, "api") && runs(&agent, "ledger"));
    assert!(!runs(&agent, "web"), "it needs the api, which is not ready");
    agent.pass(3000);
    assert!(runs(&agent, "web"));
}

#[test]
fn b7_a_service_that_does_not_get_ready_after_a_power_cut_keeps_the_others_waiting_only_so_long() {
    let (_begun, agent) = lost(100);
    agent.host.change("api", |api| api.listens = Listens::Never);
    agent.pass(2000);
    assert!(runs(&agent, "api") && !runs(&agent, "web"));
    agent.pass(10_000);
    assert!(runs(&agent, "web"), "it waits for ever");
}
