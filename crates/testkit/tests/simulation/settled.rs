//! What must be true once all is quiet, whatever happened before.

use std::collections::BTreeSet;

use landfall_agent::ports::Ask;
use landfall_model::rollout::Outcome;
use landfall_model::snapshot::{PROBE_HEADER, RELEASE_HEADER};
use landfall_store::{DeploymentRow, InstancePhase, InstanceRow, ReleaseRow};

use crate::app::key;
use crate::sim::{Agent, TOKEN};

pub fn assert_succeeded(row: &DeploymentRow) {
    let outcome = row.phase.outcome();
    assert_eq!(outcome, Some(Outcome::Succeeded), "{:?}", row.cause);
}

/// Everything that is not as it must be, for a person; empty when all is well.
pub fn faults(agent: &Agent) -> Vec<String> {
    agent.run(async {
        let mut found = agent.host.violations();
        found.extend(deployments(agent));
        found.extend(instances(agent));
        found.extend(routes(agent));
        found.extend(releases(agent));
        found.extend(compose(agent));
        found
    })
}

/// What happened, for a person who looks into a failure.
pub fn story(agent: &Agent) -> String {
    let store = &agent.world.store;
    let mut text = String::new();
    for row in store.deployments(&key(), 2).unwrap().iter().rev() {
        let (intent, phase) = (row.request.intent.verb(), row.phase);
        text += &format!("\n{} {intent} {phase:?} {:?}", row.id, row.cause);
        for event in store.events(row.id, 0).unwrap() {
            text += &format!("\n    {} {:?}", event.at, event.event);
        }
    }
    text
}

/// Of a Compose project runs what no service took the place of: all of it, until one did.
fn compose(agent: &Agent) -> Vec<String> {
    let live = agent.world.store.environment(&key()).unwrap();
    let is_adopted = live.is_some_and(|row| row.live.is_some());
    let mut found = Vec::new();
    for (name, (runs, policy, networks)) in agent.host.compose() {
        let before = match name.as_str() {
            "shop-web-1" => "always",
            "shop-api-1" => "unless-stopped",
            "shop-ledger-1" => "on-failure",
            _ => "no",
        };
        let is_taken = is_adopted && name != "shop-backup-1";
        let expected = match (is_taken, before) {
            (true, "always") => "unless-stopped",
            (true, "on-failure") => "no",
            _ => before,
        };
        if runs == is_taken || policy != expected || !networks.is_empty() {
            found.push(format!(
                "{name}: runs {runs}, {policy}, on {networks:?}; taken over {is_taken}"
            ));
        }
    }
    found
}

fn deployments(agent: &Agent) -> Vec<String> {
    let store = &agent.world.store;
    let mut found = Vec::new();
    for row in store.deployments(&key(), 50).unwrap() {
        let Some(outcome) = row.phase.outcome() else {
            found.push(format!("deployment {} has not ended", row.id));
            continue;
        };
        if outcome != Outcome::Succeeded && row.cause.is_none() {
            found.push(format!("deployment {} {outcome:?} without a cause", row.id));
        }
    }
    let Some(last) = newest(agent) else {
        return found;
    };
    let live = store.environment(&key()).unwrap().and_then(|row| row.live);
    let expected = match last.phase.outcome() {
        Some(Outcome::Succeeded) => last.to,
        _ => last.from,
    };
    if live != expected {
        let (id, phase) = (last.id, last.phase);
        found.push(format!(
            "{live:?} is live, {expected:?} expected: {id} {phase:?}"
        ));
    }
    found
}

/// The newest deployment that began.
fn newest(agent: &Agent) -> Option<DeploymentRow> {
    let rows = agent.world.store.deployments(&key(), 50).unwrap();
    rows.into_iter().find(|row| row.plan.is_some())
}

fn instances(agent: &Agent) -> Vec<String> {
    let store = &agent.world.store;
    let mut found = Vec::new();
    let rows = store.all_instances().unwrap();
    for row in &rows {
        match row.phase {
            InstancePhase::Serving if !agent.host.is_ready(&row.id) => {
                found.push(format!("{} should serve and is not ready", row.id));
            }
            InstancePhase::Serving | InstancePhase::Gone => {}
            phase => found.push(format!("{} is left {phase:?}", row.id)),
        }
    }
    let serving: Vec<&InstanceRow> = rows
        .iter()
        .filter(|row| row.phase == InstancePhase::Serving)
        .collect();
    for id in agent.host.running().keys() {
        if !serving.iter().any(|row| row.id == *id) {
            found.push(format!("{id} runs and should not"));
        }
    }
    let ports: BTreeSet<_> = serving.iter().map(|row| row.port).collect();
    if ports.len() != serving.len() {
        found.push("two instances have one port".into());
    }
    found.extend(counts(agent, &serving));
    found
}

fn counts(agent: &Agent, serving: &[&InstanceRow]) -> Vec<String> {
    let store = &agent.world.store;
    let environment = store.environment(&key()).unwrap();
    let live = environment.as_ref().and_then(|row| row.live);
    let release = live.and_then(|live| store.release(&key(), live).unwrap());
    let mut found = Vec::new();
    let Some(release) = release else {
        return found;
    };
    let stopped = environment.map(|row| row.stopped).unwrap_or_default();
    for (name, service) in &release.release.spec.services {
        let wanted = match service.process() {
            Some(_) if !stopped.contains(name) => service.replicas as usize,
            _ => 0,
        };
        let there = serving.iter().filter(|row| row.service == *name).count();
        if there != wanted {
            found.push(format!("{name} has {there} instances instead of {wanted}"));
        }
    }
    found
}

fn routes(agent: &Agent) -> Vec<String> {
    let (store, mut found) = (&agent.world.store, Vec::new());
    let environment = store.environment(&key()).unwrap();
    let snapshot = agent.host.snapshot();
    let served = snapshot.as_ref().and_then(|s| s.tables.first());
    let wanted = environment.as_ref().and_then(|row| row.routes.as_ref());
    if served != wanted {
        found.push(format!(
            "the proxy serves {served:?}, the store says {wanted:?}"
        ));
    }
    let shown = snapshot.iter().map(|s| s.candidates.len()).sum::<usize>();
    if shown + store.candidates().unwrap().len() > 0 {
        found.push("a candidate is left".into());
    }
    let (Some(table), Some(environment)) = (wanted, &environment) else {
        return found;
    };
    for route in &table.routes {
        if environment.stopped.contains(&route.service) {
            continue;
        }
        let timeout = std::time::Duration::from_secs(1);
        let mut ask = Ask::get(agent.world.http, "localhost", &route.path, timeout);
        ask.headers.insert(PROBE_HEADER.into(), TOKEN.into());
        let answer = agent.host.answer(&ask);
        let says = answer.as_ref().ok().and_then(|a| a.header(RELEASE_HEADER));
        let expected = environment.live.map(|n| n.to_string());
        if says != expected.as_deref() || answer.as_ref().is_ok_and(|a| a.status != 200) {
            found.push(format!(
                "{} answers {answer:?}, not {expected:?}",
                route.path
            ));
        }
    }
    found
}

/// Directories of releases that are retired, and not by a fault.
pub fn leftovers(agent: &Agent) -> Vec<String> {
    let rows = agent.world.store.releases(&key()).unwrap();
    let retired = rows.iter().filter(|row| row.retired.is_some());
    let (app, environment) = (key().app, key().environment);
    let dir = |row: &ReleaseRow| {
        agent
            .world
            .paths
            .release(&app, &environment, row.release.number)
    };
    retired
        .map(dir)
        .filter(|dir| dir.exists())
        .map(|dir| format!("{} is left", dir.display()))
        .collect()
}

fn releases(agent: &Agent) -> Vec<String> {
    let (store, mut found) = (&agent.world.store, Vec::new());
    let rows = store.releases(&key()).unwrap();
    // A directory that could not be removed goes with the next deployment.
    let number = |row: &ReleaseRow| row.release.number.to_string();
    let kept: BTreeSet<String> = rows
        .iter()
        .filter(|row| row.retired.is_none())
        .map(number)
        .collect();
    let known: BTreeSet<String> = rows.iter().map(number).collect();
    let live = store.environment(&key()).unwrap().and_then(|row| row.live);
    if live.is_some_and(|live| !kept.contains(&live.to_string())) {
        found.push(format!("release {live:?} is live and not kept"));
    }
    let dir = agent
        .world
        .paths
        .environment(&key().app, &key().environment);
    for entry in std::fs::read_dir(dir.join("releases"))
        .into_iter()
        .flatten()
    {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if !known.contains(&name) {
            found.push(format!("the directory of release {name} is left"));
        }
    }
    found
}
