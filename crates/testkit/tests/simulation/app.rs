//! The app that is deployed: an api, a web service that needs it, a ledger that must not overlap,
//! and files; with tasks, smoke checks and a watch.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_agent::api::types::{DeployFrom, DeployRequest, DeploySource, PlanRequest};
use landfall_model::env::{Part, Template};
use landfall_model::plan::Intent;
use landfall_model::release::SourceInfo;
use landfall_model::spec::{
    AppSpec, BodyExpect, Build, BuildSpec, LifeSpec, Limits, OutputSpec, Probe, ProcessSpec,
    ReadySpec, RestartSpec, RouteSpec, SPEC_FORMAT, ServiceKind, ServiceSpec, SmokeSpec,
    StaticSpec, StatusRange, StopSpec, TaskSpec, VersionSource, VersionSpec, WatchSpec, When,
};
use landfall_model::{CommandSpec, ServiceName};
use landfall_store::EnvironmentKey;
use landfall_testkit::fake::Behaviour;

pub const OK: StatusRange = StatusRange { from: 200, to: 299 };

pub fn name(name: &str) -> ServiceName {
    name.parse().unwrap()
}

pub fn key() -> EnvironmentKey {
    EnvironmentKey {
        app: "shop".parse().unwrap(),
        environment: "production".parse().unwrap(),
    }
}

/// A version of the app.
#[derive(Clone)]
pub struct Version {
    /// Its name; a source directory of its own is built for it.
    pub name: String,
    pub api: Behaviour,
    pub web: Behaviour,
    pub ledger: Behaviour,
    pub migrate: Behaviour,
    pub purge: Behaviour,
    pub build: &'static str,
    pub replicas: u32,
    pub watch: Option<WatchSpec>,
    pub smoke_body: String,
}

impl Version {
    /// One that is good all over.
    pub fn good(name: &str) -> Self {
        let good = Behaviour::good(name);
        Self {
            name: name.into(),
            api: good.clone(),
            web: good.clone(),
            ledger: Behaviour {
                alone: true,
                ..good
            },
            migrate: Behaviour::task(0),
            purge: Behaviour::task(0),
            build: "make",
            replicas: 2,
            watch: Some(WatchSpec {
                window: Duration::from_millis(500),
                min_requests: 20,
                max_error_increase: 0.05,
                max_slowdown: 3.0,
                services: vec![],
            }),
            smoke_body: name.into(),
        }
    }

    pub fn spec(&self) -> AppSpec {
        let mut web = self.process(&self.web, true);
        web.replicas = self.replicas;
        web.needs = vec![name("api")];
        let api = Template(vec![Part::ServiceAddress(name("api"))]);
        web.env = BTreeMap::from([("API".into(), api)]);
        web.version = Some(VersionSpec {
            source: VersionSource::Path("/version".into()),
            expect: Template::literal(self.web.version.clone()),
        });
        let services = [
            ("api", self.process(&self.api, true)),
            ("ledger", self.process(&self.ledger, false)),
            ("site", self.files()),
            ("web", web),
        ];
        AppSpec {
            format: SPEC_FORMAT,
            app: key().app,
            environment: key().environment,
            services: services
                .map(|(n, s)| (name(n), self.with_artifact(n, s)))
                .into(),
            routes: vec![
                route("/", "web"),
                route("/api", "api"),
                route("/ledger", "ledger"),
                route("/site", "site"),
            ],
            tasks: [
                ("migrate", task(&self.migrate, When::BeforeSwitch)),
                ("purge", task(&self.purge, When::AfterSwitch)),
            ]
            .map(|(name, task)| (name.parse().unwrap(), task))
            .into(),
            smoke: ["/", "/api", "/ledger"].map(|path| self.smoke(path)).into(),
            watch: self.watch.clone(),
            keep_releases: 1,
            drain: Duration::from_secs(5),
            kept: BTreeMap::new(),
            adopts: None,
        }
    }

    fn with_artifact(&self, service: &str, mut spec: ServiceSpec) -> ServiceSpec {
        spec.artifact = name(service);
        let run = if service == "web" { self.build } else { "make" };
        spec.build = Some(Build::Tree(BuildSpec {
            run: Some(CommandSpec::Argv(vec![run.into()])),
            inputs: vec![],
            output: vec![OutputSpec {
                from: "out".into(),
                to: ".".into(),
            }],
            exclude: vec![],
            env: BTreeMap::new(),
            timeout: Duration::from_secs(60),
        }));
        spec
    }

    fn process(&self, behaviour: &Behaviour, overlap: bool) -> ServiceSpec {
        service(ServiceKind::Process(ProcessSpec {
            run: behaviour.command(),
            dir: ".".into(),
            fixed_port: None,
            life: LifeSpec {
                overlap,
                ready: ReadySpec {
                    probe: Probe::Http {
                        path: "/health".into(),
                        host: None,
                        status: vec![OK],
                    },
                    within: Duration::from_secs(3),
                    start_period: Duration::ZERO,
                    interval: Duration::from_millis(200),
                    timeout: Duration::from_secs(1),
                    failures: None,
                },
                stop: StopSpec {
                    signal: "SIGTERM".into(),
                    grace: Duration::from_secs(2),
                },
                restart: RestartSpec::default(),
                limits: Limits::default(),
            },
            writable: vec!["cache".into()],
        }))
    }

    fn files(&self) -> ServiceSpec {
        service(ServiceKind::Static(StaticSpec {
            dir: ".".into(),
            fallback: None,
            immutable: vec![],
        }))
    }

    fn smoke(&self, path: &str) -> SmokeSpec {
        let body = BodyExpect::Contains(self.smoke_body.clone());
        SmokeSpec {
            method: "GET".into(),
            path: path.into(),
            host: None,
            headers: BTreeMap::new(),
            status: vec![OK],
            location: None,
            expect_headers: BTreeMap::new(),
            media_type: None,
            body: Some(body),
            timeout: Duration::from_secs(5),
        }
    }

    /// The request to deploy it.
    pub fn deploy(&self) -> DeployRequest {
        request(
            Intent::Deploy {
                force: false,
                only: Vec::new(),
            },
            Some(DeploySource {
                spec: self.spec(),
                from: DeployFrom::Directory(format!("/source/{}", self.name).into()),
                source: None,
                info: SourceInfo::default(),
                build_env: BTreeMap::new(),
            }),
        )
    }
}

fn service(kind: ServiceKind) -> ServiceSpec {
    ServiceSpec {
        kind,
        build: None,
        artifact: name("web"),
        replicas: 1,
        needs: vec![],
        env: BTreeMap::new(),
        version: None,
    }
}

fn route(path: &str, to: &str) -> RouteSpec {
    RouteSpec {
        host: None,
        path: path.into(),
        to: name(to),
        strip_prefix: false,
    }
}

fn task(behaviour: &Behaviour, when: When) -> TaskSpec {
    TaskSpec {
        service: name("web"),
        run: Some(behaviour.command()),
        when,
        timeout: Duration::from_secs(10),
        blocking: true,
        env: BTreeMap::new(),
    }
}

pub fn request(intent: Intent, deploy: Option<DeploySource>) -> DeployRequest {
    DeployRequest {
        plan: PlanRequest {
            app: key().app,
            environment: key().environment,
            intent,
            deploy,
        },
        expect: None,
        supersede: false,
        by: "tester".into(),
    }
}
