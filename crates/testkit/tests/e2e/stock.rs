//! The stock example: pages, an API, a queue worker and Redis, from its own Compose files.

use landfall_testkit::Project;

use crate::live::Live;
use crate::stack::Stack;

/// Deployments and rollbacks under load.
const ROUNDS: usize = 8;
/// What users ask for.
pub const PATHS: [&str; 3] = ["/", "/api/version", "/api/jobs/count"];

/// Services that are built.
pub const BUILT: [&str; 3] = ["web", "api", "worker"];

fn deployed() -> Stack {
    let stack = Stack::of("stock", &BUILT);
    stack.project().landfall(&["deploy", "--yes"]).ok();
    stack
}

/// Makes the API and the worker another version.
pub fn version(project: &Project<'_>, version: &str) {
    let before = project.read(".env");
    let other = before.lines().filter(|line| !line.starts_with("VERSION="));
    let lines: Vec<&str> = other.collect();
    let env = format!("{}\nVERSION={version}\n", lines.join("\n"));
    project.write(".env", &env);
    let toml = project.read("landfall.toml");
    let expects = toml
        .lines()
        .map(|line| match line.starts_with("expect = \"") {
            true => format!("expect = {version:?}"),
            false => line.to_owned(),
        });
    let toml: Vec<String> = expects.collect();
    project.write("landfall.toml", &toml.join("\n"));
}

#[test]
fn b1_d7_sixteen_deployments_and_rollbacks_lose_no_request_no_job_and_no_data() {
    let stack = deployed();
    let run = ["run", "-d", "--name", "neighbour", "--network", "none"];
    let image = ["landfall-test/busybox:1", "/bin/httpd", "-f"];
    let neighbour = stack.engine.docker(&[&run[..], &image[..]].concat());
    let redis = stack.containers("redis");
    let project = stack.project();
    let live = Live::start_with(&project, "v1", stack.site().load(&PATHS));
    for round in 0..ROUNDS {
        // In hand while the worker that took it is replaced.
        for duration in [4_000, 8_000] {
            stack.site().json(
                "POST",
                "/api/jobs",
                &format!("{{\"duration\": {duration}}}"),
            );
        }
        version(&project, &format!("v{}", round + 2));
        let deployed = live.unchanged(&["deploy", "--yes"]).ok();
        assert_eq!(
            Stack::built(&deployed.stdout),
            ["api", "worker"],
            "{deployed:#}"
        );
        live.unchanged(&["rollback", "--yes"]).ok();
    }
    live.assert_nothing_lost();
    stack
        .site()
        .until("/api/jobs/count", "completed", 2 * ROUNDS as u64);
    let counts = stack.site().json("GET", "/api/jobs/count", "");
    assert_eq!(counts["failed"], 0, "{counts}");
    for id in 1..=2 * ROUNDS {
        let job = stack.site().json("GET", &format!("/api/jobs/{id}"), "");
        assert_eq!(job["result"]["attempts"], 1, "begun twice: {job}");
    }
    assert_eq!(stack.containers("redis"), redis, "it was never touched");
    let running = stack.engine.docker(&["ps", "-q", "--no-trunc"]);
    assert!(running.contains(&neighbour), "the neighbour runs on");
}

#[test]
fn b10_f_redis_is_replaced_stop_first_with_its_data_and_the_plan_says_so() {
    let stack = deployed();
    stack.site().json("POST", "/api/jobs", "{\"duration\": 0}");
    stack.site().until("/api/jobs/count", "completed", 1);
    stack.edit("compose.prod.yaml", "--maxmemory 128mb", "--maxmemory 96mb");
    let plan = stack.project().landfall(&["plan"]).ok().stdout;
    assert!(plan.contains("redis is replaced stop-first"), "{plan}");
    stack.project().landfall(&["deploy", "--yes"]).ok();
    stack.site().until("/api/jobs/count", "completed", 1);
    assert_eq!(stack.containers("redis").len(), 1);
}

#[test]
fn b2_a_worker_that_cannot_start_leaves_the_old_one_at_work() {
    let stack = deployed();
    let worker = stack.containers("worker");
    stack.edit(
        "worker/src/worker.js",
        "import { hostname }",
        "process.exit(7);\nimport { hostname }",
    );
    let stopped = stack.project().landfall(&["deploy", "--yes", "--json"]);
    assert_eq!(stopped.code, Some(3), "{stopped:#}");
    let cause = stopped.json()["cause"].clone();
    assert_eq!(cause["kind"], "exited-at-start", "{cause:#}");
    assert!(
        cause.to_string().contains("exited with code 7"),
        "{cause:#}"
    );
    assert_eq!(stack.containers("worker"), worker);
    stack.site().json("POST", "/api/jobs", "{\"duration\": 0}");
    stack.site().until("/api/jobs/count", "completed", 1);
}

#[test]
fn a_change_of_a_variable_builds_nothing_and_reaches_the_containers_that_have_it() {
    let stack = deployed();
    let (api, web) = (stack.containers("api"), stack.containers("web"));
    stack.edit(
        "compose.prod.yaml",
        "CONCURRENCY: \"4\"",
        "CONCURRENCY: \"3\"",
    );
    let deployed = stack.project().landfall(&["deploy", "--yes"]).ok();
    assert_eq!(Stack::built(&deployed.stdout), [""; 0]);
    assert_eq!(
        (stack.containers("api"), stack.containers("web")),
        (api, web)
    );
    let worker = stack.containers("worker").remove(0);
    let env = stack
        .engine
        .docker(&["inspect", "--format", "{{.Config.Env}}", &worker]);
    assert!(env.contains("CONCURRENCY=3"), "{env}");
}
