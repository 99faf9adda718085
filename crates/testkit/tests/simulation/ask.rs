//! What is asked for in the simulations, and what is there before.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_agent::api::types::DeployRequest;
use landfall_model::compose::{ComposeContainer, RestartPolicy};
use landfall_model::plan::Intent;
use landfall_model::rollout::Outcome;
use landfall_model::spec::StopSpec;
use landfall_testkit::fake::{Behaviour, Met};

use crate::app::{Version, name, request};
use crate::settled;
use crate::sim::{Agent, Begun};

/// What a person can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Deploy,
    /// A release that never gets ready.
    DeployUnready,
    /// A release that is bad to users only.
    DeploySpoiled,
    /// The first deploy of what a Compose project runs.
    Adopt,
    /// The same, with a service that stops first and whose new instance never gets ready.
    AdoptUnready,
    Rollback,
    Scale,
    Restart,
    Stop,
    Start,
}

impl Ask {
    pub fn request(self) -> DeployRequest {
        let services = vec![];
        let intent = match self {
            Self::Deploy => return Version::good("v3").deploy(),
            Self::DeployUnready => return unready().deploy(),
            Self::DeploySpoiled => return spoiled().deploy(),
            Self::Adopt => return adopting(Version::good("v1")),
            Self::AdoptUnready => return adopting(ledger_unready()),
            Self::Rollback => Intent::Rollback { to: None },
            Self::Scale => Intent::Scale {
                replicas: BTreeMap::from([(name("web"), 3), (name("api"), 2)]),
            },
            Self::Restart => Intent::Restart { services },
            Self::Stop => Intent::Stop { services },
            Self::Start => Intent::Start { services },
        };
        request(intent, None)
    }

    /// How it ends when nothing goes wrong besides.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::DeployUnready | Self::AdoptUnready => Outcome::Stopped,
            Self::DeploySpoiled => Outcome::RolledBack,
            _ => Outcome::Succeeded,
        }
    }

    /// Tells the host what is stopped on purpose.
    pub fn announce(self, agent: &Agent) {
        if matches!(self, Self::Stop | Self::Start) {
            agent
                .host
                .may_be_stopped(["api", "ledger", "site", "web"].map(name));
        }
    }
}

fn unready() -> Version {
    let web = Behaviour {
        health: 500,
        met: Met::Never,
        ..Behaviour::good("v3")
    };
    Version {
        web,
        ..Version::good("v3")
    }
}

fn ledger_unready() -> Version {
    let ledger = Behaviour {
        health: 500,
        met: Met::Never,
        alone: true,
        ..Behaviour::good("v1")
    };
    Version {
        ledger,
        ..Version::good("v1")
    }
}

fn adopting(version: Version) -> DeployRequest {
    let mut request = version.deploy();
    if let Some(deploy) = &mut request.plan.deploy {
        deploy.spec.adopts = Some("shop".into());
    }
    request
}

/// What Compose runs of the app: of each service one container, and one that is no part of it.
fn of_compose() -> impl Iterator<Item = ComposeContainer> {
    let services = [
        ("web", "always"),
        ("api", "unless-stopped"),
        ("ledger", "on-failure"),
        ("backup", "no"),
    ];
    services
        .into_iter()
        .map(|(service, policy)| ComposeContainer {
            id: format!("id-of-{service}"),
            name: format!("shop-{service}-1"),
            service: service.into(),
            image: service.into(),
            runs: true,
            is_one_off: false,
            restart: RestartPolicy {
                name: policy.into(),
                retries: 0,
            },
            stop: StopSpec {
                signal: "SIGTERM".into(),
                grace: Duration::from_secs(10),
            },
            volumes: vec![],
            ports: vec![],
            networks: vec![],
        })
}

fn spoiled() -> Version {
    let web = Behaviour {
        fails_users: true,
        met: Met::Shortly,
        ..Behaviour::good("v3")
    };
    Version {
        web,
        ..Version::good("v3")
    }
}

/// Releases 1 and 2, and the second one live; stopped where it is about to be started.
pub fn begun(ask: Ask) -> Begun {
    Begun::with(|agent| {
        if matches!(ask, Ask::Adopt | Ask::AdoptUnready) {
            agent.run(async { of_compose().for_each(|one| agent.host.run_of_compose(one)) });
            return;
        }
        for version in ["v1", "v2"] {
            settled::assert_succeeded(&agent.deploy(Version::good(version).deploy()));
        }
        if ask == Ask::Start {
            ask.announce(agent);
            settled::assert_succeeded(&agent.deploy(Ask::Stop.request()));
        }
    })
}
