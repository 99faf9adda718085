//! Files that load, and what they mean.

use std::time::Duration;

use landfall_model::container::MountSource;
use landfall_model::spec::{Probe, ServiceKind, StatusRange, When};

use crate::support::Project;

const SHOP: &str = include_str!("cases/shop.toml");

#[test]
fn the_example_of_the_design_loads() {
    let app = Project::new(SHOP).loaded("local");
    assert!(app.warnings.is_empty(), "{:?}", app.warnings);
    let spec = app.spec;
    let web = &spec.services[&"web".parse().unwrap()];
    let process = web.process().unwrap();
    assert_eq!(web.replicas, 2);
    assert_eq!(process.life.limits.memory, Some(512 << 20));
    assert_eq!(process.writable, [".next/cache"]);
    assert_eq!(process.life.ready.within, Duration::from_secs(60));
    let Probe::Http { path, host, status } = &process.life.ready.probe else {
        panic!("{:?}", process.life.ready.probe)
    };
    assert_eq!((path.as_str(), host), ("/api/health", &None));
    assert_eq!(status, &[StatusRange { from: 200, to: 399 }]);
    let build = web.build.as_ref().and_then(|b| b.tree()).unwrap();
    assert_eq!(build.output[0].from, ".next/standalone");
    assert_eq!(build.output[0].to, ".");

    let worker = &spec.services[&"worker".parse().unwrap()];
    assert_eq!(worker.artifact.as_str(), "web");
    assert!(worker.build.is_none());
    let process = worker.process().unwrap();
    assert_eq!(process.life.stop.grace, Duration::from_secs(120));
    assert!(matches!(process.life.ready.probe, Probe::StaysUp { .. }));

    let site = &spec.services[&"site".parse().unwrap()];
    let ServiceKind::Static(files) = &site.kind else {
        panic!("{:?}", site.kind)
    };
    assert_eq!(files.fallback.as_deref(), Some("index.html"));
    let output = &site.build.as_ref().and_then(|b| b.tree()).unwrap().output[0];
    assert_eq!((output.from.as_str(), output.to.as_str()), ("dist", "dist"));

    assert_eq!(spec.routes[1].path, "/api");
    assert!(spec.routes[1].strip_prefix);
    assert_eq!(
        spec.tasks[&"migrate".parse().unwrap()].when,
        When::BeforeSwitch
    );
    assert_eq!(spec.smoke[0].status, [StatusRange { from: 307, to: 307 }]);
    assert_eq!(spec.smoke[0].location.as_deref(), Some("/auth/login"));
}

#[test]
fn a_service_that_is_asked_for_is_ready_when_its_port_accepts() {
    let app = Project::new(SHOP).loaded("local").spec;
    let api = app.services[&"api".parse().unwrap()].process().unwrap();
    assert_eq!(api.life.ready.probe, Probe::Tcp);
    let queue = app.services[&"queue".parse().unwrap()].process().unwrap();
    assert_eq!(queue.life.ready.probe, Probe::Tcp, "its address is used");
}

#[test]
fn hosts_are_served_below_localhost_on_this_machine() {
    let toml = r#"
app = "a"
service.web.run = "web"
environment.local.host = { "own.example" = "own.test" }
environment.staging.host = { "shop.example" = "staging.shop.example" }
route = [
    { to = "web" },
    { host = "shop.example", to = "web" },
    { host = "*.shop.example", to = "web" },
    { host = "shop.localhost", to = "web" },
    { host = "localhost", to = "web" },
    { host = "127.0.0.1", to = "web" },
    { host = "own.example", to = "web" },
]
smoke = [{ get = "/", host = "shop.example" }]
"#;
    let project = Project::new(toml);
    let hosts = |environment| -> Vec<Option<String>> {
        let spec = project.loaded(environment).spec;
        spec.routes.into_iter().map(|route| route.host).collect()
    };
    let some = |hosts: [&str; 6]| -> Vec<Option<String>> {
        let hosts = hosts.into_iter().map(|host| Some(host.to_owned()));
        std::iter::once(None).chain(hosts).collect()
    };
    assert_eq!(
        hosts("local"),
        some([
            "shop.example.localhost",
            "*.shop.example.localhost",
            "shop.localhost",
            "localhost",
            "127.0.0.1",
            "own.test"
        ])
    );
    assert_eq!(
        hosts("staging"),
        some([
            "staging.shop.example",
            "*.shop.example",
            "shop.localhost",
            "localhost",
            "127.0.0.1",
            "own.example"
        ])
    );
    let smoke = project.loaded("staging").spec.smoke;
    assert_eq!(smoke[0].host.as_deref(), Some("staging.shop.example"));
}

#[test]
fn an_environment_changes_what_it_names_and_nothing_else() {
    let toml = r#"
app = "a"
env = { A = "1", B = "1" }
[service.web]
run = "web --all"
replicas = 4
ready = { path = "/health", within = "2m" }
[environment.staging]
server = "deploy@203.0.113.10"
env = { B = "2", C = "3" }
[environment.staging.service.web]
replicas = 1
ready = { tcp = true }
[environment.preview.service.web]
shell = "exec web --some"
"#;
    let project = Project::new(toml);
    let web = "web".parse().unwrap();
    let staging = project.loaded("staging");
    assert_eq!(
        staging.server.as_ref().map(|s| s.as_str()),
        Some("deploy@203.0.113.10")
    );
    let names: Vec<&str> = staging
        .environments
        .iter()
        .map(|name| name.as_str())
        .collect();
    assert_eq!(names, ["local", "preview", "staging"]);
    let service = &staging.spec.services[&web];
    assert_eq!(service.replicas, 1);
    assert_eq!(service.env.len(), 3);
    let ready = &service.life().unwrap().ready;
    assert_eq!(ready.probe, Probe::Tcp);
    assert_eq!(ready.within, Duration::from_secs(120));

    let local = project.loaded("local");
    assert_eq!(local.server, None);
    assert_eq!(local.spec.services[&web].replicas, 4);
    assert_eq!(local.spec.services[&web].env.len(), 2);

    let preview = project.loaded("preview").spec;
    let run = &preview.services[&web].process().unwrap().run;
    assert_eq!(run.argv(), ["/bin/sh", "-c", "exec web --some"]);
}

#[test]
fn an_environment_is_checked_even_when_another_is_loaded() {
    let toml = r#"
app = "a"
service.web.run = "web"
environment.staging.service.web.replicas = "many"
"#;
    let error = Project::new(toml).load("local").unwrap_err();
    assert_eq!(error.error_count(), 1);
    assert_eq!(error.0[0].code, "wrong-type");
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_are_understood() {
    let toml = "\u{feff}app = \"a\"\r\n[service.web]\r\nrun = \"web\"\r\nreplica = 2\r\n";
    insta::assert_snapshot!(Project::new(toml).refused(), @r"
    error[unknown-key]: [service.NAME] has no key `replica`
     --> landfall.toml:4:1
      |
    4 | replica = 2
      | ^^^^^^^ unknown key
      |
      = help: did you mean `replicas`?
    ");
}

#[test]
fn the_nearest_file_above_is_found() {
    let project = Project::new("").file("a/b/c.txt", "");
    let found = landfall_config::find(&project.path().join("a/b"));
    assert_eq!(found, Some(project.path().join("landfall.toml")));
}

#[test]
fn two_ways_to_one_service_are_no_circle() {
    let toml = r#"
app = "a"
service.a = { run = "x", needs = ["b", "c"] }
service.b = { run = "x", needs = ["d"] }
service.c = { run = "x", needs = ["b", "d"] }
service.d = { run = "x" }
"#;
    let spec = Project::new(toml).loaded("local").spec;
    assert_eq!(spec.services[&"c".parse().unwrap()].needs.len(), 2);
}

#[test]
fn files_of_an_environment_that_is_not_loaded_need_not_be_there() {
    let toml = r#"
app = "a"
service.web.run = "x"
environment.production.env_file = "production.env"
"#;
    let project = Project::new(toml);
    assert!(project.load("local").is_ok());
    assert_eq!(
        project.load("production").unwrap_err().0[0].code,
        "missing-file"
    );
}

#[test]
fn a_container_is_read_with_what_it_keeps_and_where_it_is_reached() {
    let app = Project::new(
        r#"
app = "shop"
[service.web]
image = "registry.example:5000/shop/web:3"
shell = "exec web --quiet"
dir   = "/srv"
user  = "1000:1000"
port  = 3000
env   = { REDIS = "${service.redis.address}" }
[service.redis]
image   = "redis:7"
run     = ["redis-server", "--appendonly", "yes"]
port    = 6379
volumes = ["data:/data"]
[[route]]
to = "web"
"#,
    )
    .loaded("local");
    let service = |name: &str| &app.spec.services[&name.parse().unwrap()];
    let (web, redis) = (service("web"), service("redis"));
    let container = web.container().unwrap();
    let shell = ["/bin/sh", "-c", "exec web --quiet"].map(str::to_owned);
    assert_eq!(container.run.command.as_deref(), Some(&shell[..]));
    assert_eq!(container.run.working_dir.as_deref(), Some("/srv"));
    assert_eq!(container.run.port, Some(3000));
    assert_eq!(container.life.ready.probe, Probe::Tcp);
    assert!(web.may_overlap() && web.build.is_none());
    let kept = &redis.container().unwrap().run.mounts[0];
    let MountSource::Volume { name, .. } = &kept.source else {
        panic!("{kept:?}")
    };
    let place = (name.as_str(), kept.target.as_str());
    assert_eq!(place, ("landfall-shop-local-data", "/data"));
    assert!(!redis.may_overlap(), "two would write to one volume");
}
