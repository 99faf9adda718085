//! Files that are refused, and how that is said.

use crate::support::Project;

/// A snapshot of what is said about a file that has these lines in a service that is well.
macro_rules! refused {
    ($($name:ident: $toml:expr;)+) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(Project::new($toml).refused());
        })+
    };
}

refused! {
    what_is_not_toml: "app = \"a\"\nservice.web = { run = \"x\n\n[route\n";
    a_key_set_twice: "app = \"a\"\napp = \"b\"\n";
    an_empty_file: "";
    several_mistakes_at_once: r#"
app = "Shop"
keep_relases = 3
[service.web]
run = "node 'server.js"
replicas = "two"
ready = { path = "/health", within = "60" }
limits = { memory = "512 apples" }
[[route]]
to = "wbe"
"#;
    unknown_keys: r#"
app = "a"
colour = "red"
[service.web]
run = "x"
cwd = "apps/web"
dockerfile = "Dockerfile"
[service.web.ready]
pth = "/"
"#;
    containers: r#"
app = "a"
[service.web]
image = "a shop"
build = { run = "make" }
volumes = ["data", "uploads:/data", "logs:/data"]
dir = "srv"
user = "a b"
[service.worker]
run = "x"
volumes = ["data:/data"]
[service.plain]
image = "redis:7"
env = { WORKER = "${service.worker.address}" }
[[route]]
to = "plain"
"#;
    wrong_types: r#"
app = 1
drain = 30
service.web = { run = 7, replicas = 1.5, overlap = "no", needs = "x", limits = { cpus = "1" }, env = [] }
route = { to = "web" }
task = "x"
watch = true
"#;
    missing_keys: "[[route]]\nhost = \"a.b\"\n[task.t]\n[[smoke]]\n[service.web]\nversion = {}\n";
    names: r#"
app = "a b"
service."-x".run = "x"
service.web = { run = "x", needs = ["a/b"] }
environment.Prod = {}
"#;
    durations_and_sizes: r#"
app = "a"
drain = "ten"
[service.web]
run = "x"
stop.grace = "10 sec"
ready = { tcp = true, within = "0s", interval = "1s2", timeout = "1000d" }
limits.memory = "512"
"#;
    routes_that_claim_the_same: r#"
app = "a"
service.web.run = "x"
service.api.run = "x"
[[route]]
host = "shop.example"
path = "/api"
to = "web"
[[route]]
host = "SHOP.example"
path = "/api/"
to = "api"
"#;
    services_that_do_not_exist: r#"
app = "a"
[service.web]
run = "x"
needs = ["wrker"]
env = { A = "http://${service.wbe.address}/x" }
[service.worker]
run = "x"
build = "wab"
[[route]]
to = "database"
[task.migrate]
service = "webb"
run = "x"
[watch]
services = ["weeb"]
"#;
    paths_that_leave_the_project: r#"
app = "a"
env_file = "../.env"
[service.web]
run = "x"
dir = "/srv"
writable = ["~/cache", "."]
build = { inputs = ["../shared/**"], output = "a/../../b" }
"#;
    services_that_wait_for_each_other: r#"
app = "a"
[service.web]
run = "x"
needs = ["api"]
[service.api]
run = "x"
needs = ["queue"]
[service.queue]
run = "x"
needs = ["web", "queue"]
"#;
    references_in_variables: r#"
app = "a"
[service.web]
run = "x"
[service.site]
static = "dist"
[env]
OPEN = "a ${service.web"
NEAR = "${service.web.adress} ${comit}"
FAR = "${database.url}"
SECRET = "redis://:${secret.password}@x"
STATIC = "${service.site.address}"
FINE = "$$ $HOME $${x} ${release} ${commit}"
"#;
    names_of_variables: "app = \"a\"\n[service.web]\nrun = \"x\"\n[service.web.env]\nPORT = 3000\nHOST = \"::\"\nLANDFALL_X = 1\nHOSTNAME = \"127.0.0.1\"\n\"A B\" = 1\n";
    what_runs_and_what_is_served: r#"
app = "a"
[service.both]
run = "x"
static = "dist"
[service.two]
run = "x"
shell = "x"
[service.none]
[service.site]
static = { dir = "dist" }
replicas = 2
ready = "/"
build = { run = "npm run build", output = "dist" }
"#;
    ports: r#"
app = "a"
[service.web]
run = "x"
port = 8080
replicas = 3
overlap = true
[service.api]
run = "x"
port = 8080
[service.far]
run = "x"
port = 80800
"#;
    commands: r#"
app = "a"
service.a.run = ""
service.b.run = []
service.c.run = "node 'x"
service.d.run = "npm ci && npm start"
service.e.run = "serve --port $PORT"
service.f.shell = "  "
service.g.run = ["node", 1]
service.h.run = "a\u0000b"
"#;
    readiness: r#"
app = "a"
service.a = { run = "x", ready = "health" }
service.b = { run = "x", ready = { path = "/", tcp = true } }
service.c = { run = "x", ready = { tcp = false } }
service.d = { run = "x", ready = { tcp = true, status = 200 } }
service.e = { run = "x", ready = { up_for = "2m" } }
service.f = { run = "x", ready = { path = "/", status = ["2xx", 700, "3x", "299-200"] } }
service.g = { run = "x", ready = { path = "/", start_period = "2m" } }
service.h = { run = "x", stop = { signal = "SIGTREM" } }
service.i = { run = "x", stop = { signal = "bye" } }
service.j = { run = "x", restart = { backoff = "5s", max_backoff = "1s" } }
"#;
    builds: r#"
app = "a"
[service.a]
run = "x"
build = { inputs = ["src/[a"], exclude = ["!x"], output = [] }
[service.b]
run = "x"
build = "c"
[service.c]
run = "x"
build = "a"
[service.d]
run = "x"
build = "d"
[service.e]
run = "x"
build = { dockerfile = "Dockerfile" }
writable = ["cache/images", "cache", "cachet"]
"#;
    hosts_and_paths: r#"
app = "a"
service.web.run = "x"
environment.local.host = { "shop.exmple" = "b.test" }
route = [
    { host = "https://shop.example/x", to = "web" },
    { host = "shop.example:8080", to = "web" },
    { host = "shop.*", to = "web" },
    { host = "shöp.example", to = "web" },
    { host = "-", to = "web" },
    { host = "shop.example/x", to = "web" },
    { host = "shop.example", path = "api", to = "web" },
    { path = "/api/*", to = "web" },
    { path = "/a/../b", to = "web" },
    { path = "/a?b", to = "web" },
    { path = "/a b", to = "web" },
]
"#;
    smoke_checks: r#"
app = "a"
service.web.run = "x"
smoke = [
    { get = "/", head = "/" },
    { get = "http://shop.example/x" },
    { get = "/", expect = { status = "20x", type = "text/html; charset=utf-8" } },
    { get = "/", expect = { body = { matches = "a(b" } } },
    { get = "/", expect = { contains = "x", body = {} } },
    { get = "/", headers = { "A B" = "x", C = "a\nb" } },
]
"#;
    tasks: r#"
app = "a"
service.site.static = "dist"
task.a = { service = "site", run = "x" }
task.b = { service = "site", run = "x", when = "before_switch" }
task."../c" = { service = "site", run = "x" }
"#;
    places_of_builds: r#"
app = "shop"
service.web.run = "x"
[environment.here]
build_on = "server"
[environment.there]
server   = "a@b"
build_on = "there"
"#;
    environments: r#"
app = "a"
service.web.run = "x"
[environment.staging]
server = "-oProxyCommand=x"
replicas = 2
[environment.staging.service.web]
replicaz = 2
[environment.staging.service.other]
replicas = 2
"#;
}

#[test]
fn an_environment_that_does_not_exist() {
    let toml = "app = \"a\"\nservice.web.run = \"x\"\nenvironment.staging = {}\n";
    let project = Project::new(toml);
    let said = |name| project.rendered(&project.load(name).unwrap_err());
    insta::assert_snapshot!(format!("{}\n{}", said("stagin"), said("production")));
}

#[test]
fn files_that_cannot_be_read() {
    let mut said = Project::empty().refused();
    said += &Project::empty().file("landfall.toml", b"a\n\xff").refused();
    said += &Project::new(&"#".repeat((1 << 20) + 1)).refused();
    said += &Project::empty().file("landfall.toml/x", "").refused();
    insta::assert_snapshot!(said);
}

#[test]
fn a_link_that_leaves_the_project_is_refused() {
    let project =
        Project::new("app = \"a\"\nservice.web = { run = \"x\", build.output = \"out/x\" }\n");
    std::os::unix::fs::symlink("/usr", project.path().join("out")).unwrap();
    insta::assert_snapshot!(project.refused());
}

#[test]
fn a_diagnostic_has_a_form_for_machines() {
    let project = Project::new("app = \"a\"\n[service.web]\nrun = \"ü\"\nreplica = 2\n");
    let found = project.load("local").unwrap_err();
    let json = serde_json::to_string_pretty(&found).unwrap();
    let json = json.replace(&format!("{}/", project.path().display()), "");
    insta::assert_snapshot!(json);
    let text = found.to_string();
    assert!(
        text.ends_with("landfall.toml:4:1: [service.NAME] has no key `replica`"),
        "{text}"
    );
}

#[test]
fn colors_are_only_there_when_asked_for() {
    let found = Project::new("x = 1").load("local").unwrap_err();
    assert!(!landfall_config::render(&found, false, 80).contains('\u{1b}'));
    assert!(landfall_config::render(&found, true, 80).contains('\u{1b}'));
}
