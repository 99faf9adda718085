//! Plans and the reasons that they give.

mod only;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::compose::{ComposeContainer, ComposeVolume, RestartPolicy};
use crate::container::{ContainerRun, MountSource, MountSpec};
use crate::env::Template;
use crate::release::{Artifact, Release, SourceInfo};
use crate::spec::*;
use crate::{AppName, CauseKind, CommandSpec, DeploymentId, InstanceId};

fn name<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

fn process() -> ProcessSpec {
    ProcessSpec {
        run: CommandSpec::Argv(vec!["./web".into()]),
        dir: ".".into(),
        fixed_port: None,
        life: life(),
        writable: Vec::new(),
    }
}

fn volume(name: &str, external: bool) -> MountSpec {
    MountSpec {
        target: "/data".into(),
        source: MountSource::Volume {
            name: name.into(),
            external,
            no_copy: false,
            driver: None,
            driver_opts: BTreeMap::new(),
        },
        read_only: false,
    }
}

fn life() -> LifeSpec {
    LifeSpec {
        overlap: true,
        ready: ReadySpec {
            probe: Probe::Tcp,
            within: Duration::from_secs(60),
            start_period: Duration::ZERO,
            interval: Duration::from_millis(250),
            timeout: Duration::from_secs(5),
            failures: None,
        },
        stop: StopSpec {
            signal: "SIGTERM".into(),
            grace: Duration::from_secs(10),
        },
        restart: RestartSpec::default(),
        limits: Limits::default(),
    }
}

fn service(replicas: u32) -> ServiceSpec {
    ServiceSpec {
        kind: ServiceKind::Process(process()),
        build: None,
        artifact: name("web"),
        replicas,
        needs: Vec::new(),
        env: BTreeMap::new(),
        version: None,
    }
}

fn spec() -> AppSpec {
    AppSpec {
        format: SPEC_FORMAT,
        app: name::<AppName>("shop"),
        environment: name("local"),
        services: BTreeMap::from([(name("web"), service(2)), (name("worker"), service(1))]),
        routes: vec![RouteSpec {
            host: None,
            path: "/".into(),
            to: name("web"),
            strip_prefix: false,
        }],
        tasks: BTreeMap::new(),
        smoke: Vec::new(),
        watch: None,
        keep_releases: 5,
        drain: Duration::from_secs(30),
        kept: BTreeMap::new(),
        adopts: None,
    }
}

fn artifact(content: &str) -> Artifact {
    Artifact {
        digest: Digest::of(content.as_bytes()),
        inputs: Digest::of(content.as_bytes()),
    }
}

fn deploy(spec: AppSpec, content: &str) -> Desired {
    Desired {
        intent: Intent::Deploy {
            force: false,
            only: Vec::new(),
        },
        spec,
        builds: BTreeMap::from([(name("web"), BuildNeed::Exists(artifact(content)))]),
        source: SourceInfo::default(),
    }
}

fn nothing() -> Observed {
    Observed {
        next_release: ReleaseNumber(1),
        live: None,
        target: None,
        stopped: BTreeSet::new(),
        instances: Vec::new(),
        compose: Vec::new(),
    }
}

/// The environment after `desired` was deployed as release 1.
fn after(desired: &Desired) -> Observed {
    let artifacts = BTreeMap::from([(name("web"), artifact("one"))]);
    let live = Release {
        number: ReleaseNumber(1),
        spec: desired.spec.clone(),
        artifacts,
        source: SourceInfo::default(),
        deployment: DeploymentId(1),
    };
    let instances = desired.spec.services.iter().flat_map(|(service, spec)| {
        let digest = Some(artifact("one").digest);
        let key = instance_key(
            &desired.spec,
            service,
            digest,
            ReleaseNumber(1),
            &SourceInfo::default(),
        );
        (0..spec.replicas).map(move |ordinal| ObservedInstance {
            id: name::<InstanceId>(&format!("{service}-1-{ordinal}")),
            service: service.clone(),
            key: key.unwrap(),
            running: true,
        })
    });
    let instances = instances.collect();
    Observed {
        next_release: ReleaseNumber(2),
        live: Some(live),
        instances,
        ..nothing()
    }
}

fn actions(plan: &Plan) -> Vec<(String, Action)> {
    plan.services
        .iter()
        .map(|line| (line.service.to_string(), line.action))
        .collect()
}

#[test]
fn b10_the_same_thing_twice_is_nothing_to_do() {
    let desired = deploy(spec(), "one");
    let plan = plan(&desired, &after(&desired)).unwrap();
    assert!(plan.is_noop(), "{plan:?}");
    assert_eq!(
        (plan.from, plan.to),
        (Some(ReleaseNumber(1)), Some(ReleaseNumber(1)))
    );
}

#[test]
fn b10_a_first_deploy_starts_everything_and_stops_nothing() {
    let plan = plan(&deploy(spec(), "one"), &nothing()).unwrap();
    assert_eq!(plan.stops().count(), 0);
    assert_eq!(plan.service(&name("web")).unwrap().start, 2);
    assert!(plan.steps.is_sorted(), "{:?}", plan.steps);
    assert!(!plan.steps.contains(&StepName::Drain));
}

#[test]
fn c2_a_change_of_routes_alone_restarts_nothing() {
    let observed = after(&deploy(spec(), "one"));
    let mut changed = spec();
    changed.routes[0].path = "/shop".into();
    let plan = plan(&deploy(changed, "one"), &observed).unwrap();
    assert!(plan.services.iter().all(ServiceLine::is_kept), "{plan:?}");
    assert!(plan.steps.contains(&StepName::Switch));
    assert_eq!(plan.routes.len(), 2);
}

#[test]
fn d3_a_change_of_env_replaces_just_the_services_that_have_it() {
    let observed = after(&deploy(spec(), "one"));
    let mut changed = spec();
    let worker = changed
        .services
        .get_mut(&name::<ServiceName>("worker"))
        .unwrap();
    worker
        .env
        .insert("LEVEL".into(), Template::literal("debug"));
    let plan = plan(&deploy(changed, "one"), &observed).unwrap();
    let expected = [
        ("web".into(), Action::Keep),
        ("worker".into(), Action::Replace),
    ];
    assert_eq!(actions(&plan), expected);
    assert_eq!(
        plan.service(&name("worker")).unwrap().reason,
        "env changed: LEVEL"
    );
    assert!(
        !serde_json::to_string(&plan).unwrap().contains("debug"),
        "a plan shows no values"
    );
}

#[test]
fn b10_a_rebuild_says_which_inputs_changed() {
    let observed = after(&deploy(spec(), "one"));
    let mut desired = deploy(spec(), "one");
    let paths = ["a", "b", "c", "d"].map(String::from).to_vec();
    desired.builds = BTreeMap::from([(
        name("web"),
        BuildNeed::Needed(BuildReason::InputsChanged(paths)),
    )]);
    let plan = plan(&desired, &observed).unwrap();
    let reason = &plan.service(&name("web")).unwrap().reason;
    assert_eq!(reason, "rebuilt, 4 inputs changed: a, b, c and 1 more");
}

#[test]
fn a_service_that_must_not_overlap_is_replaced_stop_first_and_the_plan_says_so() {
    let mut fixed = spec();
    let web = fixed.services.get_mut(&name::<ServiceName>("web")).unwrap();
    web.replicas = 1;
    if let ServiceKind::Process(process) = &mut web.kind {
        process.fixed_port = Some(3000);
    }
    let observed = after(&deploy(fixed.clone(), "one"));
    let plan = plan(&deploy(fixed, "two"), &observed).unwrap();
    assert_eq!(
        plan.service(&name("web")).unwrap().action,
        Action::ReplaceStopFirst
    );
    assert!(plan.notes[0].contains("port 3000"), "{:?}", plan.notes);
    assert!(plan.steps.contains(&StepName::Replace));
}

#[test]
fn a_container_with_volumes_is_replaced_stop_first_because_of_them() {
    let container = |image: &str| ContainerSpec {
        run: ContainerRun {
            image: image.into(),
            mounts: vec![volume("data", false)],
            ..ContainerRun::default()
        },
        files: Vec::new(),
        is_told_port: true,
        life: LifeSpec {
            overlap: false,
            ..life()
        },
    };
    let with = |image: &str| {
        let mut spec = spec();
        let web = spec.services.get_mut(&name("web")).unwrap();
        web.kind = ServiceKind::Container(container(image));
        spec
    };
    let observed = after(&deploy(with("redis:6"), "one"));
    let desired = deploy(with("redis:7"), "one");
    let plan = plan(&desired, &observed).unwrap();
    let line = plan.service(&name("web")).unwrap();
    assert_eq!(line.action, Action::ReplaceStopFirst);
    assert_eq!(line.reason, "image redis:7");
    assert!(
        plan.notes[0].contains("may write to its volumes"),
        "{:?}",
        plan.notes
    );
}

#[test]
fn f6_scaling_keeps_the_instances_that_run() {
    let observed = after(&deploy(spec(), "one"));
    let mut scaled = spec();
    scaled
        .services
        .get_mut(&name::<ServiceName>("web"))
        .unwrap()
        .replicas = 3;
    let mut desired = deploy(scaled, "one");
    desired.intent = Intent::Scale {
        replicas: BTreeMap::from([(name("web"), 3)]),
    };
    let plan = plan(&desired, &observed).unwrap();
    let web = plan.service(&name("web")).unwrap();
    assert_eq!(
        (web.action, web.keep.len(), web.start),
        (Action::Scale, 2, 1)
    );
}

#[test]
fn an_instance_that_must_be_alone_and_does_not_run_is_replaced_stop_first() {
    let mut alone = spec();
    let worker = alone.services.get_mut(&name("worker")).unwrap();
    worker.kind = ServiceKind::Process(ProcessSpec {
        life: LifeSpec {
            overlap: false,
            ..life()
        },
        ..process()
    });
    let desired = deploy(alone, "one");
    let mut observed = after(&desired);
    for instance in &mut observed.instances {
        instance.running = instance.service != name("worker");
    }
    let line = plan(&desired, &observed).unwrap();
    let line = line.service(&name("worker")).unwrap().clone();
    assert_eq!(line.action, Action::ReplaceStopFirst);
    assert_eq!((line.stop.len(), line.start), (1, 1));
}

#[test]
fn b4_a_rollback_returns_to_the_release_and_says_that_tasks_do_not_run() {
    let mut with_task = spec();
    let task = TaskSpec {
        service: name("web"),
        run: Some(CommandSpec::Shell("migrate".into())),
        when: When::BeforeSwitch,
        timeout: Duration::from_secs(60),
        blocking: true,
        env: BTreeMap::new(),
    };
    with_task.tasks.insert(name("migrate"), task);
    let mut observed = after(&deploy(with_task.clone(), "one"));
    let mut target = observed.live.clone().unwrap();
    target.artifacts = BTreeMap::from([(name("web"), artifact("zero"))]);
    observed.live.as_mut().unwrap().number = ReleaseNumber(2);
    observed.target = Some(target);
    let mut desired = deploy(with_task, "zero");
    desired.intent = Intent::Rollback { to: None };
    let plan = plan(&desired, &observed).unwrap();
    assert_eq!(
        (plan.from, plan.to),
        (Some(ReleaseNumber(2)), Some(ReleaseNumber(1)))
    );
    assert!(!plan.makes_release && plan.tasks.is_empty());
    assert!(
        plan.notes[0].contains("tasks do not run"),
        "{:?}",
        plan.notes
    );
}

#[test]
fn a_rollback_with_nothing_to_go_back_to_is_refused() {
    let mut desired = deploy(spec(), "one");
    desired.intent = Intent::Rollback { to: None };
    let refusal = plan(&desired, &after(&deploy(spec(), "one"))).unwrap_err();
    assert_eq!(refusal.kind, CauseKind::Refused);
}

#[test]
fn stopping_one_service_leaves_the_others() {
    let mut desired = deploy(spec(), "one");
    desired.intent = Intent::Stop {
        services: vec![name("worker")],
    };
    let plan = plan(&desired, &after(&deploy(spec(), "one"))).unwrap();
    let expected = [
        ("web".into(), Action::Keep),
        ("worker".into(), Action::Stop),
    ];
    assert_eq!(actions(&plan), expected);
    let starting = plan.service(&name("worker")).unwrap();
    assert_eq!(starting.stop.len(), 1);
}

fn of_compose(service: &str, volume: Option<&str>) -> ComposeContainer {
    ComposeContainer {
        id: format!("id-{service}"),
        name: format!("old-{service}-1"),
        service: service.into(),
        image: "image".into(),
        runs: true,
        is_one_off: false,
        restart: RestartPolicy {
            name: "always".into(),
            retries: 0,
        },
        stop: life().stop,
        volumes: volume
            .map(|name| ComposeVolume {
                name: name.into(),
                target: "/data".into(),
                writable: true,
                is_anonymous: name == "anonymous",
            })
            .into_iter()
            .collect(),
        ports: Vec::new(),
        networks: Vec::new(),
    }
}

/// An app of a database with a volume, a web service and a worker, and what Compose runs of it.
fn adopting() -> (Desired, Observed) {
    let mut desired = deploy(spec(), "one");
    let mut db = service(1);
    db.kind = ServiceKind::Container(ContainerSpec {
        run: ContainerRun {
            mounts: vec![volume("old_data", true)],
            ..ContainerRun::default()
        },
        files: Vec::new(),
        is_told_port: false,
        life: LifeSpec {
            overlap: false,
            ..life()
        },
    });
    desired.spec.services.insert(name("db"), db);
    desired.spec.adopts = Some("old".into());
    let compose = vec![
        of_compose("backup", Some("old_data")),
        of_compose("db", Some("old_data")),
        of_compose("web", Some("anonymous")),
        of_compose("worker", Some("old_data")),
    ];
    let observed = Observed {
        compose,
        ..nothing()
    };
    (desired, observed)
}

#[test]
fn what_compose_runs_is_taken_over_and_only_what_must_not_overlap_stops_first() {
    let (desired, observed) = adopting();
    let plan = plan(&desired, &observed).unwrap();
    let expected = [
        ("db".to_owned(), Action::ReplaceStopFirst),
        ("web".to_owned(), Action::Start),
        ("worker".to_owned(), Action::Start),
    ];
    assert_eq!(actions(&plan), expected);
    let stops: Vec<_> = plan
        .adopts
        .iter()
        .map(|line| {
            (
                line.name.as_str(),
                line.before.as_ref().map(ServiceName::as_str),
            )
        })
        .collect();
    // The worker writes to the database's volume, in Compose and there alone.
    let expected = [
        ("old-db-1", Some("db")),
        ("old-web-1", None),
        ("old-worker-1", Some("db")),
    ];
    assert_eq!(stops, expected);
    for step in [StepName::Adopt, StepName::Replace, StepName::Drain] {
        assert!(plan.steps.contains(&step), "{step}");
    }
    let notes = plan.notes.join("\n");
    for said in [
        "old-worker-1 of the Compose project old is stopped before db starts, because it writes",
        "what old-web-1 has in /data stays behind",
        "old-backup-1 is left alone, and writes to old_data",
    ] {
        assert!(notes.contains(said), "{said:?} in\n{notes}");
    }
}

#[test]
fn what_compose_starts_again_beside_the_app_is_stopped_by_the_next_deploy() {
    let (desired, observed) = adopting();
    let adopted = Observed {
        compose: Vec::new(),
        ..after(&desired)
    };
    assert!(plan(&desired, &adopted).unwrap().is_noop());
    let beside = Observed {
        compose: observed.compose,
        ..after(&desired)
    };
    let again = plan(&desired, &beside).unwrap();
    assert!(again.services.iter().all(|line| line.is_kept()));
    assert!(again.adopts.iter().all(|line| line.before.is_none()));
    assert_eq!(again.adopts.len(), 3);
}
