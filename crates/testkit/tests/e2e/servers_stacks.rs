//! The example stacks on servers: made ready, deployed to by ssh, changed under load from outside.

use std::fs;

use landfall_testkit::server::{Kind, ServerBox, ServerEngine, User};
use landfall_testkit::{Project, Sandbox};

use crate::laptop::{add, environment, http, inside, laptop};
use crate::live::Live;
use crate::site::Site;
use crate::stack::{Stack, lay_out};
use crate::stock::{self, BUILT, PATHS};
use crate::storefront;

const NODE: &str = "node:22-bookworm-slim";
/// The image with the packages of an example where npm finds them without a network.
const STOCKED: &str = "landfall-test/node-with-packages:1";

/// Of an image with Node.js, which reaches npm's registry when it is built and not afterwards.
const PACKAGES: &str = "FROM node:22-bookworm-slim\n\
    COPY . /packages\n\
    RUN for each in /packages/*/; do cd $each && npm ci || exit 1; done; rm -rf /packages\n\
    ENV npm_config_offline=true\n";

/// Brings what the images of `stock` are built from to the engine of a server, and the packages
/// that its builds ask npm for: a box reaches no registry.
fn bring_bases(server: &ServerBox<'_>, engine: &ServerEngine, stock: &Project<'_>) {
    let docker = engine.docker();
    docker.make_images(&[NODE, "nginx:1", "redis:7"]);
    let context = tempfile::tempdir().expect("a directory");
    fs::write(context.path().join("Dockerfile"), PACKAGES).expect("a file");
    for service in BUILT {
        let to = context.path().join(service);
        fs::create_dir(&to).expect("a directory");
        for file in ["package.json", "package-lock.json"] {
            let from = stock.dir().join(service).join(file);
            fs::copy(from, to.join(file)).expect("a copy");
        }
    }
    docker.build_with_network(context.path(), STOCKED);
    server.bring_images(&[STOCKED, "nginx:1", "redis:7"]);
    inside(server, &format!("docker tag {STOCKED} {NODE}"));
}

#[test]
fn b1_c5_stock_goes_to_v2_and_back_on_a_server_without_losing_a_request_or_a_job() {
    let engine = ServerEngine::shared();
    let server = ServerBox::boot(engine, "stock", Kind::Docker);
    let sandbox = laptop(&server);
    let project = lay_out(&sandbox, "stock", &BUILT);
    environment(&project, "production", &server);
    bring_bases(&server, engine, &project);
    add(&sandbox, &server, User::Deploy).ok();
    stock::version(&project, "v1");
    let first = project.landfall(&["deploy", "--yes"]).ok();
    assert!(first.stdout.contains("release 1 is live"), "{first:#}");

    let site = Site::at(http(&server));
    let version = || site.json("GET", "/api/version", "")["version"].clone();
    let redis = containers(&server, "redis");
    let live = Live::start_with(&project, "v1", site.load(&PATHS));
    assert_eq!(version(), "v1");
    // In hand while the worker that took it is replaced, twice.
    add_jobs(site);
    stock::version(&project, "v2");
    let second = live.unchanged(&["deploy", "--yes"]).ok();
    assert_eq!(
        Stack::built(&second.stdout),
        ["api", "worker"],
        "{second:#}"
    );
    assert_eq!(version(), "v2");
    add_jobs(site);
    live.unchanged(&["rollback", "--yes"]).ok();
    assert_eq!(version(), "v1");
    live.assert_all_well();

    site.until("/api/jobs/count", "completed", 4);
    assert_eq!(site.json("GET", "/api/jobs/count", "")["failed"], 0);
    for id in 1..=4 {
        let job = site.json("GET", &format!("/api/jobs/{id}"), "");
        assert_eq!(job["result"]["attempts"], 1, "begun twice: {job}");
    }
    assert_eq!(containers(&server, "redis"), redis, "it was never touched");
}

fn add_jobs(site: Site) {
    for duration in [4_000, 8_000] {
        let job = format!("{{\"duration\": {duration}}}");
        site.json("POST", "/api/jobs", &job);
    }
}

fn containers(server: &ServerBox<'_>, service: &str) -> String {
    let filter = format!("docker ps -q --no-trunc --filter label=dev.landfall.service={service}");
    inside(server, &filter)
}

/// Makes the storefront another version, on a server.
fn release(project: &Project<'_>, server: &ServerBox<'_>, version: &str) {
    project.storefront_version(version);
    environment(project, "production", server);
}

fn storefront<'a>(sandbox: &'a Sandbox, server: &ServerBox<'_>) -> Project<'a> {
    let project = Project::at(sandbox, sandbox.dir().join("storefront"));
    release(&project, server, "v1");
    project
}

#[test]
fn a1_b1_b4_storefront_goes_to_v2_and_back_on_a_server_without_losing_a_request() {
    let engine = ServerEngine::shared();
    let server = ServerBox::boot(engine, "storefront", Kind::Plain);
    engine.docker().make_images(&[NODE]);
    server.bring_program(NODE, "node");
    let sandbox = laptop(&server);
    add(&sandbox, &server, User::Deploy).ok();
    let project = storefront(&sandbox, &server);
    let first = project.landfall(&["deploy", "--yes"]).ok();
    assert!(first.stdout.contains("release 1 is live"), "{first:#}");

    let site = Site::at(http(&server));
    let version = || site.json("GET", "/api/version", "")["version"].clone();
    assert_eq!(version(), "v1");
    let mut live = Live::start_with(&project, "v1", storefront::plan(http(&server)));
    release(&project, &server, "v2");
    live.changes_to("v2", &["deploy", "--yes"]).ok();
    assert_eq!(version(), "v2");
    live.changes_to("v1", &["rollback", "--yes"]).ok();
    assert_eq!(version(), "v1");
    live.assert_all_well();
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["serving"], 1, "{status:#}");
}
