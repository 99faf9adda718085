//! The agent is killed at every point it passes, and the next one at every point it passes while it
//! takes up what the first one left, and so on: every state that kills can lead to is visited once.
//!
//! A kill takes everything from an agent at one moment, so what survives is what is on the host and
//! its disk at that moment. One run gives the images of all of them.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use landfall_model::InstanceId;
use landfall_model::plan::StepName;
use landfall_model::rollout::Outcome;
use landfall_model::snapshot::{Table, Upstream};
use landfall_store::{StepRow, StepState, Store};
use landfall_testkit::fake::{ContainerState, Host, Image};

use crate::app::key;
use crate::ask::{Ask, begun};
use crate::settled;
use crate::sim::{Agent, Begun};

/// What survives a kill.
struct Killed {
    image: Image,
    /// The points of the kills that led here.
    at: String,
    kills: usize,
}

/// States that were met already, and those that are still to be looked at.
#[derive(Default)]
struct Map {
    met: HashSet<String>,
    open: VecDeque<Killed>,
}

fn explore(ask: Ask) {
    let begun = begun(ask);
    let map = Arc::new(Mutex::new(Map::default()));
    let agent = begun.agent();
    ask.announce(&agent);
    watch(&agent, &begun, &map, "", 0);
    let id = agent.submit(ask.request()).unwrap();
    agent.settle();
    assert_eq!(agent.row(id).phase.outcome(), Some(ask.outcome()));
    drop(agent);
    let (mut failures, mut story, mut deepest) = (Vec::new(), String::new(), 0);
    loop {
        let next = map.lock().unwrap().open.pop_front();
        let Some(killed) = next else { break };
        deepest = deepest.max(killed.kills);
        let agent = begun.agent_on(&killed.image);
        watch(&agent, &begun, &map, &killed.at, killed.kills);
        agent.settle();
        let found = judge(&agent, ask);
        if !found.is_empty() {
            if story.is_empty() {
                story = settled::story(&agent);
            }
            failures.push(format!("killed at {}: {found:#?}", killed.at));
        }
    }
    let states = map.lock().unwrap().met.len();
    assert!(
        states < 2000,
        "{states} states: something grows with every kill"
    );
    assert!(deepest > 1, "kills are killed in their turn");
    assert!(
        failures.is_empty(),
        "{ask:?}: {} of {states} states end badly\n{}\nthe first one:{story}",
        failures.len(),
        failures
            .iter()
            .take(20)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n"),
    );
}

fn judge(agent: &Agent, ask: Ask) -> Vec<String> {
    let mut found = settled::faults(agent);
    found.extend(settled::leftovers(agent));
    let last = agent.world.store.deployments(&key(), 1).unwrap().pop();
    let is_bad = ask.outcome() != Outcome::Succeeded;
    let succeeded = last.is_some_and(|last| {
        last.phase.outcome() == Some(Outcome::Succeeded) && last.request == requested(ask)
    });
    if succeeded && is_bad {
        found.push("a bad release succeeded".into());
    }
    found.truncate(4);
    found
}

fn requested(ask: Ask) -> landfall_store::NewDeployment {
    let plan = ask.request().plan;
    let deploy = plan.deploy.as_ref();
    landfall_store::NewDeployment {
        intent: plan.intent.clone(),
        spec: deploy.map(|deploy| deploy.spec.clone()),
        root: deploy.and_then(|deploy| deploy.from.directory().cloned()),
        source: Default::default(),
    }
}

/// Takes an image at every point that leads to a state that was not met before.
fn watch(agent: &Agent, begun: &Begun, map: &Arc<Mutex<Map>>, before: &str, kills: usize) {
    let (store, root, map) = (agent.world.store.clone(), root(begun), map.clone());
    let (before, mut passed, mut seen) = (before.to_owned(), 0, None);
    agent.host.watch(move |host, point| {
        passed += 1;
        let marks = Some(marks(host, &root));
        if marks == seen {
            return;
        }
        seen = marks;
        let state = describe(host, &store, &root);
        let mut map = map.lock().unwrap();
        if map.met.insert(state) {
            map.open.push_back(Killed {
                image: host.image(&root).unwrap(),
                at: format!("{before} > {point} ({passed})"),
                kills: kills + 1,
            });
        }
    });
}

type Marks = (
    BTreeMap<InstanceId, String>,
    BTreeMap<String, ContainerState>,
    Option<u64>,
    Vec<u8>,
);

/// What changes with every change, and costs little to read: the first bytes of SQLite's index of
/// its log count transactions.
fn marks(host: &Host, root: &Path) -> Marks {
    let generation = host.snapshot().map(|snapshot| snapshot.generation);
    let mut index = std::fs::read(root.join("state.db-shm")).unwrap();
    index.truncate(48);
    (host.describe(), host.compose(), generation, index)
}

fn root(begun: &Begun) -> PathBuf {
    begun.root.path().to_owned()
}

/// All that a new agent can tell apart, without names that chance gave.
pub fn describe(host: &Host, store: &Store, root: &Path) -> String {
    let mut text = String::new();
    let rows = store.instances(&key()).unwrap();
    let processes = host.describe();
    let names: BTreeMap<&InstanceId, String> = rows
        .iter()
        .map(|row| {
            let (service, phase) = (&row.service, row.phase);
            let process = processes.get(&row.id);
            let name = format!(
                "{service} {} {} {phase:?} {process:?}",
                row.release, row.deployment
            );
            (&row.id, name)
        })
        .collect();
    let mut lines: Vec<&String> = names.values().collect();
    lines.sort();
    writeln!(text, "{lines:?}").unwrap();
    // Tasks that are repeated leave a record each, and no other state.
    let mut tasks = BTreeSet::new();
    for (id, process) in processes.iter().filter(|(id, _)| !names.contains_key(*id)) {
        let name = id.as_str();
        tasks.insert((&name[..name.len() - 5], process));
    }
    writeln!(text, "{tasks:?}").unwrap();
    writeln!(text, "{:?}", host.compose()).unwrap();
    let targets = |table: &Table| {
        let upstream = |upstream: &Upstream| match upstream {
            Upstream::Files(files) => vec![files.root.clone()],
            Upstream::Instances(targets) => {
                let name = |id| names.get(id).cloned().unwrap_or_default();
                let mut names: Vec<String> = targets.iter().map(|t| name(&t.instance)).collect();
                names.sort();
                names
            }
        };
        let upstreams: Vec<_> = table.services.values().map(upstream).collect();
        format!("{:?} {upstreams:?}", table.release)
    };
    for row in store.environments().unwrap() {
        let routes = row.routes.as_ref().map(targets);
        writeln!(text, "{:?} {:?} {routes:?}", row.live, row.stopped).unwrap();
    }
    if let Some(snapshot) = host.snapshot() {
        let tables: Vec<String> = snapshot.tables.iter().map(targets).collect();
        writeln!(text, "{tables:?} {}", snapshot.candidates.len()).unwrap();
    }
    for row in store.open_deployments().unwrap() {
        let release = row.release.is_some();
        let (phase, cause) = (row.phase, row.cause.map(|cause| cause.kind));
        let (previous, by) = (row.previous.is_some(), row.cancelled_by);
        writeln!(text, "{phase:?} {cause:?} {release} {previous} {by:?}").unwrap();
        // Steps that are repeated make a longer journal and no other state; whether one is done
        // matters to a new agent from draining on.
        let steps = store.steps(row.id).unwrap();
        let done = |step: &StepRow| step.name >= StepName::Drain && step.state == StepState::Done;
        let steps: BTreeSet<_> = steps.iter().map(|step| (step.name, done(step))).collect();
        writeln!(text, "{steps:?}").unwrap();
    }
    for row in store.releases(&key()).unwrap() {
        writeln!(text, "{} {:?}", row.release.number, row.retired).unwrap();
    }
    let candidates = store.candidates().unwrap().len();
    writeln!(text, "{candidates} {:?}", trees(&root.join("apps"))).unwrap();
    text
}

/// Paths of directories down to the trees of services.
fn trees(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(trees(&entry.path()));
        }
        found.insert(entry.path());
    }
    found
}

#[test]
fn b7_a_deploy_survives_kills_at_every_point() {
    explore(Ask::Deploy);
}

#[test]
fn b7_the_undoing_of_a_release_survives_kills_at_every_point() {
    explore(Ask::DeployUnready);
}

#[test]
fn b7_going_back_from_a_bad_release_survives_kills_at_every_point() {
    explore(Ask::DeploySpoiled);
}

#[test]
fn b7_a_rollback_survives_kills_at_every_point() {
    explore(Ask::Rollback);
}

#[test]
fn b7_a_scaling_survives_kills_at_every_point() {
    explore(Ask::Scale);
}

#[test]
fn b7_a_restart_survives_kills_at_every_point() {
    explore(Ask::Restart);
}

#[test]
fn b7_a_stop_survives_kills_at_every_point() {
    explore(Ask::Stop);
}

#[test]
fn b7_a_start_survives_kills_at_every_point() {
    explore(Ask::Start);
}

#[test]
fn b7_taking_over_a_compose_project_survives_kills_at_every_point() {
    explore(Ask::Adopt);
}

#[test]
fn b7_the_undoing_of_a_takeover_survives_kills_at_every_point() {
    explore(Ask::AdoptUnready);
}
