//! Bad releases of every kind, at every place: each ends with its own cause, and users meet none
//! but those whose fault shows only to users.

use landfall_agent::api::types::DeployRequest;
use landfall_model::CauseKind;
use landfall_model::rollout::Outcome;
use landfall_testkit::fake::{Behaviour, Listens, Met};

use crate::app::{Version, key};
use crate::ask::{Ask, begun};
use crate::settled;

/// A process that no user may meet.
fn bad(change: impl FnOnce(&mut Behaviour)) -> Behaviour {
    let mut behaviour = Behaviour {
        met: Met::Never,
        ..Behaviour::good("v3")
    };
    change(&mut behaviour);
    behaviour
}

fn kinds() -> Vec<(CauseKind, Behaviour)> {
    vec![
        (CauseKind::ExitedAtStart, bad(|b| b.exits = Some((0, 1)))),
        (CauseKind::ExitedAtStart, bad(|b| b.exits = Some((60, 3)))),
        (
            CauseKind::NeverListened,
            bad(|b| b.listens = Listens::Never),
        ),
        (
            CauseKind::WrongPort,
            bad(|b| b.listens = Listens::Elsewhere(3000)),
        ),
        (CauseKind::NeverListened, bad(|b| b.ready_ms = 60_000)),
        (CauseKind::Unhealthy, bad(|b| b.health = 503)),
    ]
}

#[track_caller]
fn ends(request: DeployRequest, outcome: Outcome, kind: CauseKind) {
    let begun = begun(Ask::Deploy);
    let agent = begun.agent();
    let row = agent.deploy(request);
    let ended = (
        row.phase.outcome(),
        row.cause.as_ref().map(|cause| cause.kind),
    );
    assert_eq!(
        ended,
        (Some(outcome), Some(kind)),
        "{}",
        settled::story(&agent)
    );
    let found = settled::faults(&agent);
    assert!(
        found.is_empty(),
        "{kind:?}: {found:#?}{}",
        settled::story(&agent)
    );
    let live = agent.world.store.environment(&key()).unwrap().unwrap().live;
    assert_eq!(live.map(|number| number.0), Some(2));
}

#[test]
fn b2_a_bad_web_service_is_stopped_with_its_cause_and_met_by_nobody() {
    for (kind, web) in kinds() {
        let version = Version {
            web,
            ..Version::good("v3")
        };
        ends(version.deploy(), Outcome::Stopped, kind);
    }
}

#[test]
fn b2_a_bad_service_that_others_need_is_stopped_with_its_cause_and_met_by_nobody() {
    for (kind, api) in kinds() {
        let version = Version {
            api,
            ..Version::good("v3")
        };
        ends(version.deploy(), Outcome::Stopped, kind);
    }
}

#[test]
fn b2_the_old_instance_comes_back_when_one_that_may_not_overlap_is_bad() {
    for (kind, ledger) in kinds() {
        let ledger = Behaviour {
            alone: true,
            ..ledger
        };
        let version = Version {
            ledger,
            ..Version::good("v3")
        };
        ends(version.deploy(), Outcome::Stopped, kind);
    }
}

#[test]
fn b2_a_failing_build_or_migration_leaves_the_old_release_alone() {
    let build = Version {
        build: "false",
        ..Version::good("v3")
    };
    ends(build.deploy(), Outcome::Stopped, CauseKind::BuildFailed);
    let migrate = Version {
        migrate: Behaviour::task(1),
        ..Version::good("v3")
    };
    ends(migrate.deploy(), Outcome::Stopped, CauseKind::TaskFailed);
    let never_ends = Behaviour {
        exits: None,
        ..Behaviour::task(0)
    };
    let migrate = Version {
        migrate: never_ends,
        ..Version::good("v3")
    };
    ends(migrate.deploy(), Outcome::Stopped, CauseKind::TimedOut);
}

#[test]
fn b3_a_failing_smoke_check_keeps_a_release_from_users() {
    let smoke = Version {
        web: bad(|b| b.status = 500),
        ..Version::good("v3")
    };
    ends(smoke.deploy(), Outcome::Stopped, CauseKind::SmokeFailed);
    let body = Version {
        smoke_body: "other words".into(),
        ..Version::good("v3")
    };
    ends(body.deploy(), Outcome::Stopped, CauseKind::SmokeFailed);
}

#[test]
fn b3_users_are_brought_back_when_what_cannot_be_rehearsed_fails_its_check() {
    let ledger = Behaviour {
        status: 500,
        alone: true,
        met: Met::Shortly,
        ..Behaviour::good("v3")
    };
    let version = Version {
        ledger,
        ..Version::good("v3")
    };
    ends(
        version.deploy(),
        Outcome::RolledBack,
        CauseKind::SmokeFailed,
    );
}

#[test]
fn b3_users_are_brought_back_from_a_release_that_fails_under_traffic() {
    ends(
        Ask::DeploySpoiled.request(),
        Outcome::RolledBack,
        CauseKind::WorseThanBefore,
    );
}
