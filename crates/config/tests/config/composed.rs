//! Services that come from Compose files.

use landfall_model::container::{Healthcheck, MountSource, NetworkMode};
use landfall_model::spec::{ContainerSpec, Probe, ServiceSpec, When};

use crate::support::Project;

const COMPOSE: &str = r#"
services:
  web:
    image: shop/web:${VERSION:-1}
    ports: ["8080:3000"]
    environment: { API: "http://api:4000", PRICE: "5$$" }
    volumes: ["./nginx.conf:/etc/nginx.conf:ro"]
    configs: [{ source: motd, target: /etc/motd }]
    secrets: [token]
    depends_on:
      api: { condition: service_healthy }
      migrate: { condition: service_completed_successfully }
  api:
    image: shop/api
    expose: ["4000"]
    networks: { default: { aliases: [backend] }, inner: {}, shared: {} }
    healthcheck: { test: curl -f localhost:4000, interval: 5s, retries: 30, start_period: 10s }
    deploy: { replicas: 2, resources: { limits: { memory: 256M, cpus: "0.5" } } }
    stop_grace_period: 1m
    stop_signal: INT
  migrate:
    image: shop/api
    command: [migrate, up]
    depends_on: { db: { condition: service_healthy } }
  db:
    image: postgres:16
    container_name: the-db
    volumes: ["data:/var/lib/postgresql/data"]
    tmpfs: /run:size=1m
  cache:
    image: redis:7
    profiles: [fast]
configs: { motd: { content: "hello" } }
secrets: { token: { file: ./token } }
networks: { inner: { internal: true }, shared: { external: true, name: everyone } }
volumes: { data: }
"#;

const APP: &str = r#"
app = "shop"
compose = ["compose.yaml"]
[service.web]
publish = false
replicas = 2
ready = "/health"
env = { COMMIT = "${commit}" }
limits = { memory = "1G" }
[[route]]
to = "web"
[[route]]
path = "/api"
to = "api"
"#;

fn project(app: &str) -> Project {
    Project::new(app)
        .file("compose.yaml", COMPOSE)
        .file("nginx.conf", "events {}")
        .file("token", "s3cret")
}

struct App(landfall_config::LoadedApp);

impl App {
    fn of(project: &Project) -> Self {
        Self(project.loaded("local"))
    }

    fn service(&self, name: &str) -> &ServiceSpec {
        &self.0.spec.services[&name.parse().unwrap()]
    }

    fn container(&self, name: &str) -> &ContainerSpec {
        self.service(name).container().unwrap()
    }
}

#[test]
fn d1_services_come_from_compose_files_as_they_are() {
    let app = App::of(&project(APP));
    let api = app.container("api");
    assert_eq!(api.run.image, "shop/api");
    assert_eq!(api.run.port, Some(4000));
    assert_eq!(app.service("api").replicas, 2);
    assert_eq!(api.life.limits.memory, Some(256 << 20));
    assert_eq!(api.life.limits.cpus, Some(0.5));
    assert_eq!(api.life.stop.signal, "SIGINT");
    assert_eq!(api.life.stop.grace.as_secs(), 60);
    let db = app.container("db");
    assert_eq!(db.run.tmpfs["/run"], "size=1m");
    let web = app.service("web");
    assert_eq!(
        format!("{:?}", web.env.keys()),
        r#"["API", "COMMIT", "PRICE"]"#
    );
    assert!(!app.0.spec.services.contains_key(&"cache".parse().unwrap()));
}

#[test]
fn d6_what_files_leave_to_compose_is_named_after_the_environment() {
    let app = App::of(&project(APP));
    let NetworkMode::Joined(networks) = &app.container("api").run.network else {
        panic!("it is on networks")
    };
    let names: Vec<_> = networks
        .iter()
        .map(|n| (n.name.as_str(), n.external))
        .collect();
    let all = [
        ("landfall-shop-local", false),
        ("landfall-shop-local-inner", false),
        ("everyone", true),
    ];
    assert_eq!(names, all);
    assert_eq!(networks[0].aliases, ["api", "backend"]);
    assert!(networks[1].options.internal);
    let NetworkMode::Joined(networks) = &app.container("db").run.network else {
        panic!("it is on a network")
    };
    assert_eq!(networks[0].aliases, ["db", "the-db"]);
    let MountSource::Volume { name, external, .. } = &app.container("db").run.mounts[0].source
    else {
        panic!("it has a volume")
    };
    assert_eq!(
        (name.as_str(), *external),
        ("landfall-shop-local-data", false)
    );
}

#[test]
fn landfall_toml_says_more_of_a_service() {
    let app = App::of(&project(APP));
    let (web, container) = (app.service("web"), app.container("web"));
    assert_eq!(web.replicas, 2);
    assert!(container.run.ports.is_empty(), "they are not published");
    assert_eq!(
        container.run.port,
        Some(3000),
        "they still say where it listens"
    );
    assert!(matches!(&container.life.ready.probe, Probe::Http { path, .. } if path == "/health"));
    assert_eq!(container.life.limits.memory, Some(1 << 30));
    assert!(web.may_overlap());
    assert!(
        !container.is_told_port,
        "its image listens where the Compose file says"
    );
}

#[test]
fn b5_a_health_check_is_asked_by_landfall_at_its_own_pace() {
    let app = App::of(&project(APP));
    let api = app.container("api");
    let Probe::Command(command) = &api.life.ready.probe else {
        panic!("{:?}", api.life.ready.probe)
    };
    assert_eq!(command.argv(), ["/bin/sh", "-c", "curl -f localhost:4000"]);
    assert_eq!(api.life.ready.start_period.as_secs(), 10);
    // 30 times 5 s and the 30 s that an answer may take, after the start period.
    assert_eq!(api.life.ready.within.as_secs(), 10 + 30 * 35);
    assert!(matches!(api.run.healthcheck, Healthcheck::Command(_)));
    // Its image may have a check, of which the files say nothing but that it is waited for.
    let db = app.container("db");
    assert_eq!(db.life.ready.probe, Probe::Healthcheck);
}

#[test]
fn b9_a_service_whose_end_others_wait_for_is_a_task() {
    let app = App::of(&project(APP));
    let task = &app.0.spec.tasks[&"migrate".parse().unwrap()];
    assert_eq!((task.when, task.run.as_ref()), (When::BeforeSwitch, None));
    let migrate = app.service("migrate");
    assert_eq!(migrate.replicas, 0);
    assert_eq!(migrate.needs[0].as_str(), "db");
    let command = &app.container("migrate").run.command;
    assert_eq!(command.as_deref().unwrap(), ["migrate", "up"]);
}

#[test]
fn configs_secrets_and_files_that_are_only_read_belong_to_the_release() {
    let app = App::of(&project(APP));
    let web = app.container("web");
    let files: Vec<_> = web
        .files
        .iter()
        .map(|file| (file.target.as_str(), file.content.reveal()))
        .collect();
    let all = [
        ("/etc/motd", "hello"),
        ("/run/secrets/token", "s3cret"),
        ("/etc/nginx.conf", "events {}"),
    ];
    assert_eq!(files, all);
    assert!(web.run.mounts.is_empty());
    let digest = app.service("web").instance_digest();
    let changed = App::of(&project(APP).file("nginx.conf", "events { }"));
    assert_ne!(changed.service("web").instance_digest(), digest);
}

#[test]
fn what_only_one_container_can_have_is_replaced_stop_first() {
    let app = App::of(&project(
        &APP.replace("publish = false\nreplicas = 2\n", ""),
    ));
    assert!(!app.service("web").may_overlap(), "a port of the host");
    assert!(!app.service("db").may_overlap(), "a volume");
    let first = COMPOSE.replace(
        "tmpfs: /run",
        "deploy: { update_config: { order: start-first } }\n    tmpfs: /run",
    );
    let app = App::of(&project(APP).file("compose.yaml", first));
    assert!(app.service("db").may_overlap(), "the file says so");
}

#[test]
fn an_environment_has_its_own_compose_files_and_profiles() {
    let toml = format!(
        "{APP}\n[environment.staging]\ncompose = {{ files = [\"compose.yaml\", \"more.yaml\"], \
         profiles = [\"fast\"] }}\n"
    );
    let project = project(&toml).file("more.yaml", "services: { db: { image: postgres:17 } }");
    let staging = App(project.loaded("staging"));
    assert_eq!(staging.container("db").run.image, "postgres:17");
    assert_eq!(staging.container("cache").run.image, "redis:7");
    assert_eq!(App::of(&project).container("db").run.image, "postgres:16");
}

/// What is said about the app with something else in its files.
fn refused(toml: (&str, &str), compose: (&str, &str)) -> String {
    assert!(APP.contains(toml.0) && COMPOSE.contains(compose.0));
    project(&APP.replace(toml.0, toml.1))
        .file("compose.yaml", COMPOSE.replace(compose.0, compose.1))
        .refused()
}

#[test]
fn keys_of_the_compose_file_are_refused_in_landfall_toml() {
    let toml = "[service.web]\nimage = \"other\"\nbuild = { run = \"make\" }";
    insta::assert_snapshot!(refused(("[service.web]", toml), ("", "")));
}

#[test]
fn a_misspelt_service_is_told_its_name_in_the_compose_files() {
    insta::assert_snapshot!(refused(("[service.web]", "[service.wbe]"), ("", "")));
}

#[test]
fn two_containers_cannot_have_one_port_of_the_host() {
    insta::assert_snapshot!(refused(("publish = false", "publish = true"), ("", "")));
}

#[test]
fn what_cannot_be_carried_out_is_refused_where_it_is_written() {
    let compose = "tmpfs: /run:size=1m\n    network_mode: bridge\n    volumes_from: [api]\n    \
                   ports: [\"9000-9010:80\"]";
    insta::assert_snapshot!(refused(("", ""), ("tmpfs: /run:size=1m", compose)));
}

#[test]
fn what_matters_and_is_not_carried_out_is_a_warning() {
    let compose = "tmpfs: /run:size=1m\n    post_start: [{ command: echo }]\n    restart: always";
    insta::assert_snapshot!(refused(("", ""), ("tmpfs: /run:size=1m", compose)));
}

#[test]
fn a_secret_that_cannot_be_had_is_refused() {
    insta::assert_snapshot!(refused(("", ""), ("file: ./token", "environment: NO_SUCH")));
}

#[test]
fn a_compose_file_that_is_not_there_is_refused() {
    let toml = ("\"compose.yaml\"", "\"compose.yaml\", \"prod.yaml\"");
    insta::assert_snapshot!(refused(toml, ("", "")));
}

#[test]
fn d2_a_misspelt_service_of_an_overlay_is_told_what_it_is_called() {
    let overlay = "services: { wbe: { restart: always } }";
    let toml = APP.replace("\"compose.yaml\"", "\"compose.yaml\", \"prod.yaml\"");
    insta::assert_snapshot!(project(&toml).file("prod.yaml", overlay).refused());
}

#[test]
fn d2_a_dockerfile_or_context_that_is_not_there_is_told_before_anything_runs() {
    let compose = COMPOSE
        .replace(
            "image: shop/web:${VERSION:-1}",
            "build: { context: ., dockerfile: docker/Web }",
        )
        .replace("command: [migrate, up]", "build: ./migrations");
    insta::assert_snapshot!(project(APP).file("compose.yaml", compose).refused());
}

#[test]
fn c1_services_that_build_the_same_image_share_the_build() {
    let compose = COMPOSE
        .replace(
            "image: shop/api\n    expose",
            "image: shop/api\n    build: api\n    expose",
        )
        .replace(
            "image: postgres:16",
            "build: { context: api, dockerfile: Dockerfile }",
        );
    let files = project(APP).file("compose.yaml", compose);
    let app = App::of(&files.file("api/Dockerfile", "FROM scratch"));
    assert!(app.service("api").build.is_some());
    for other in ["migrate", "db"] {
        assert!(app.service(other).build.is_none(), "{other}");
        assert_eq!(app.service(other).artifact.as_str(), "api", "{other}");
    }
}

#[test]
fn what_is_adopted_goes_on_with_the_volumes_that_compose_made() {
    let app = APP.replace(
        r#"["compose.yaml"]"#,
        r#"{ files = ["compose.yaml"], adopt = "old" }"#,
    );
    let compose = COMPOSE
        .replace("volumes: { data: }", "volumes: { data: , logs: { name: all-logs } }")
        .replace("tmpfs: /run:size=1m", "tmpfs: /run:size=1m\n    volumes: [\"data:/var/lib/postgresql/data\", \"logs:/logs\"]")
        .replace("    volumes: [\"data:/var/lib/postgresql/data\"]\n", "")
        .replace("inner: { internal: true }", "inner: { internal: true, name: walled, ipam: { config: [{ subnet: 172.30.0.0/24 }] } }");
    let app = App::of(&project(&app).file("compose.yaml", &compose));
    assert_eq!(app.0.spec.adopts.as_deref(), Some("old"));
    let volumes: Vec<_> = app
        .container("db")
        .run
        .mounts
        .iter()
        .map(|mount| match &mount.source {
            MountSource::Volume { name, external, .. } => (name.as_str(), *external),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(volumes, [("old_data", true), ("all-logs", true)]);
    let NetworkMode::Joined(networks) = &app.container("api").run.network else {
        panic!("no networks");
    };
    let names: Vec<_> = networks
        .iter()
        .map(|network| network.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "landfall-shop-local",
            "landfall-shop-local-inner",
            "everyone"
        ]
    );
    assert!(
        networks
            .iter()
            .all(|network| network.options.pools.is_empty())
    );
}

#[test]
fn the_name_that_compose_gives_to_the_project_is_known() {
    let plain = App::of(&project(APP));
    assert_eq!(plain.0.spec.adopts, None);
    assert!(plain.0.compose_project.is_some());
}

#[test]
fn d2_the_mistakes_that_the_assistant_example_keeps_are_told_one_after_the_other() {
    const BROKEN: &str = "broken/compose.broken.yaml";
    let example = std::path::Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/assistant"
    ));
    let mut files = Project::empty();
    for path in [
        "compose.yaml",
        "compose.production.yaml",
        "landfall.toml",
        "services/agent/Dockerfile",
        "services/bot/Dockerfile",
        "services/dashboard/Dockerfile",
    ] {
        files = files.file(path, std::fs::read(example.join(path)).unwrap());
    }
    let files = files.file(".env", "POSTGRES_PASSWORD=x");
    let toml = std::fs::read_to_string(example.join("landfall.toml")).unwrap();
    let production = "\"compose.production.yaml\"";
    let toml = toml.replace(production, &format!("{production}, {BROKEN:?}"));
    let before = App::of(&files);
    let broken = std::fs::read_to_string(example.join(BROKEN)).unwrap();
    let files = files.file("landfall.toml", toml).file(BROKEN, &broken);
    let misspelt = files.refused();
    let broken = broken.replace("dashbord", "dashboard");
    let files = files.file(BROKEN, &broken);
    let nowhere = files.refused();
    insta::assert_snapshot!(format!("{misspelt}\n{nowhere}"));

    // What is left is no mistake of a file: the plan shows it.
    let broken = broken.replace("services/agents", "services/agent");
    let after = App::of(&files.file(BROKEN, broken));
    let bot = |app: &App| app.service("bot").env["BOT_NAME"].clone();
    assert_ne!(bot(&before), bot(&after));
}
