//! What is stored is found again, and what must not be stored is refused.

use jiff::Timestamp;
use landfall_model::event::Event;
use landfall_model::plan::{Intent, Plan, StepName};
use landfall_model::release::SourceInfo;
use landfall_model::rollout::{Outcome, Phase};
use landfall_model::snapshot::Table;
use landfall_model::{Digest, ReleaseNumber};

use super::*;

const AT: Timestamp = Timestamp::UNIX_EPOCH;

fn key() -> EnvironmentKey {
    EnvironmentKey {
        app: "shop".parse().unwrap(),
        environment: "local".parse().unwrap(),
    }
}

fn request() -> NewDeployment {
    NewDeployment {
        intent: Intent::Deploy {
            force: false,
            only: Vec::new(),
        },
        spec: None,
        root: None,
        source: SourceInfo::default(),
    }
}

fn plan() -> Plan {
    Plan {
        format: 1,
        intent: Intent::Deploy {
            force: false,
            only: Vec::new(),
        },
        from: None,
        to: Some(ReleaseNumber(1)),
        makes_release: true,
        builds: vec![],
        services: vec![],
        adopts: vec![],
        routes: vec![],
        env: vec![],
        tasks: vec![],
        stopped: vec![],
        steps: vec![StepName::Switch],
        notes: vec![],
    }
}

fn table(release: u32) -> Table {
    Table {
        app: key().app,
        environment: key().environment,
        release: Some(ReleaseNumber(release)),
        routes: vec![],
        services: Default::default(),
        addresses: vec![],
    }
}

fn instance(id: &str, deployment: landfall_model::DeploymentId) -> InstanceRow {
    InstanceRow {
        id: id.parse().unwrap(),
        key: key(),
        service: "web".parse().unwrap(),
        release: ReleaseNumber(1),
        deployment,
        port: Some(20_000),
        digest: Digest::of(b"x"),
        phase: InstancePhase::Planned,
    }
}

fn store() -> Store {
    let store = Store::in_memory().unwrap();
    store.ensure_environment(&key()).unwrap();
    store
}

#[test]
fn b6_two_deployments_of_one_environment_are_never_under_way_at_once() {
    let store = store();
    let first = store
        .queue_deployment(&key(), &request(), "me", AT)
        .unwrap();
    let second = store
        .queue_deployment(&key(), &request(), "me", AT)
        .unwrap();
    store.begin_deployment(first, &plan(), AT).unwrap();
    assert!(matches!(
        store.begin_deployment(second, &plan(), AT),
        Err(StoreError::Busy)
    ));
    store.end_deployment(first, Outcome::Succeeded, AT).unwrap();
    store.begin_deployment(second, &plan(), AT).unwrap();
}

#[test]
fn b7_a_switch_can_always_be_taken_back_even_when_it_was_repeated() {
    let store = store();
    let first = store
        .queue_deployment(&key(), &request(), "me", AT)
        .unwrap();
    store.insert_instance(&instance("web-1", first)).unwrap();
    let to = |release: u32, replaced: Vec<&str>| Switch {
        live: Some(ReleaseNumber(release)),
        routes: table(release),
        stopped: Default::default(),
        replaced: replaced.into_iter().map(|id| id.parse().unwrap()).collect(),
    };
    store.switch(first, &key(), &to(1, vec![])).unwrap();
    store.end_deployment(first, Outcome::Succeeded, AT).unwrap();
    let second = store
        .queue_deployment(&key(), &request(), "me", AT)
        .unwrap();
    store.insert_instance(&instance("web-2", second)).unwrap();
    for _ in 0..2 {
        store.switch(second, &key(), &to(2, vec!["web-1"])).unwrap();
    }
    assert_eq!(store.deployment(second).unwrap().phase, Phase::Switching);
    assert_eq!(
        store.environment(&key()).unwrap().unwrap().live,
        Some(ReleaseNumber(2))
    );

    store.switch_back(second, &key()).unwrap();
    let environment = store.environment(&key()).unwrap().unwrap();
    assert_eq!(
        (environment.live, environment.routes),
        (Some(ReleaseNumber(1)), Some(table(1)))
    );
    let phases: Vec<_> = store
        .instances(&key())
        .unwrap()
        .iter()
        .map(|row| row.phase)
        .collect();
    assert_eq!(phases, [InstancePhase::Serving, InstancePhase::Draining]);
}

#[test]
fn a4_everything_written_is_read_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let id = {
        let store = Store::open(&path).unwrap();
        store.ensure_environment(&key()).unwrap();
        let id = store
            .queue_deployment(&key(), &request(), "me@here", AT)
            .unwrap();
        store.begin_deployment(id, &plan(), AT).unwrap();
        let seq = store.begin_step(id, StepName::Switch, AT).unwrap();
        store
            .end_step(id, seq, StepState::Done, AT, "switched")
            .unwrap();
        store
            .append_event(
                id,
                &Event::StepStarted {
                    step: StepName::Switch,
                },
                AT,
            )
            .unwrap();
        id
    };
    let store = Store::open(&path).unwrap();
    let row = store.deployment(id).unwrap();
    assert_eq!(
        (row.requested_by.as_str(), row.plan),
        ("me@here", Some(plan()))
    );
    assert_eq!(store.steps(id).unwrap()[0].state, StepState::Done);
    assert_eq!(store.events(id, 0).unwrap().len(), 1);
    assert_eq!(store.open_deployments().unwrap().len(), 1);
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_newer_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    drop(Store::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(
        Store::open(&path),
        Err(StoreError::Newer { found: 99, .. })
    ));
}

#[test]
fn release_numbers_and_generations_are_never_reused() {
    let store = store();
    assert_eq!(store.take_release_number(&key()).unwrap(), ReleaseNumber(1));
    assert_eq!(store.take_release_number(&key()).unwrap(), ReleaseNumber(2));
    assert_eq!(store.next_generation().unwrap(), 1);
    assert_eq!(store.next_generation().unwrap(), 2);
}
