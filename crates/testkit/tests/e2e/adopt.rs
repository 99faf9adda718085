//! The stock example, started by Docker Compose and taken over.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use landfall_testkit::wait_for;
use serde_json::Value;

use crate::live::Live;
use crate::stack::Stack;
use crate::stock::{BUILT, PATHS};

/// Where Docker Compose is, which `cargo xtask test` installs.
const COMPOSE: &str = "LANDFALL_COMPOSE_ORACLE";
const PATIENCE: Duration = Duration::from_secs(60);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// The example as Docker Compose runs it, on ports of the test's own.
struct Composed {
    stack: Stack,
    web: SocketAddr,
}

impl Composed {
    fn up() -> Self {
        let stack = Stack::of("stock", &BUILT);
        let dir = stack.project().dir().to_owned();
        for service in BUILT {
            let context = dir.join(service);
            stack
                .engine
                .build_with_network(&context, &format!("stock-{service}"));
        }
        let (web, api) = (free_port(), free_port());
        let env = stack.project().read(".env");
        let env = format!("{env}\nWEB_PORT=127.0.0.1:{web}\nAPI_PORT={api}\n");
        stack.project().write(".env", &env);
        let composed = Self {
            stack,
            web: (Ipv4Addr::LOCALHOST, web).into(),
        };
        composed.compose(&["up", "-d", "--no-build", "--wait"]);
        wait_for(PATIENCE, "an answer of the app that Compose runs", || {
            let answer = ask(composed.web, "GET", "/api/jobs/count", "")?;
            (answer.0 == 200).then_some(())
        });
        composed
    }

    fn compose(&self, args: &[&str]) {
        let program = std::env::var_os(COMPOSE)
            .expect("Docker Compose, which `cargo xtask test` installs and names");
        let output = Command::new(program)
            .args(["-f", "compose.yaml", "-f", "compose.prod.yaml"])
            .args(args)
            .current_dir(self.stack.project().dir())
            .env(
                "DOCKER_HOST",
                format!("unix://{}", self.stack.engine.socket().display()),
            )
            .output()
            .expect("Docker Compose runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker compose {args:?}: {said}");
    }

    fn json(&self, method: &str, path: &str, body: &str) -> Value {
        let answer = ask(self.web, method, path, body).expect("an answer");
        serde_json::from_str(&answer.1)
            .unwrap_or_else(|error| panic!("{path}: {error}: {answer:?}"))
    }

    /// Jobs that are done, through what Compose runs.
    fn complete_jobs(&self, jobs: u64) {
        for _ in 0..jobs {
            self.json("POST", "/api/jobs", "{\"duration\": 0}");
        }
        self.until_completed(jobs);
    }

    fn until_completed(&self, jobs: u64) {
        wait_for(PATIENCE, &format!("{jobs} completed jobs"), || {
            let counts = ask(self.web, "GET", "/api/jobs/count", "")?.1;
            let counts: Value = serde_json::from_str(&counts).ok()?;
            (counts["completed"] == jobs).then_some(())
        });
    }

    /// Every container of the project: name, id, whether it runs, its policy, its networks.
    fn containers(&self) -> Vec<String> {
        let engine = &self.stack.engine;
        let label = "label=com.docker.compose.project=stock";
        let ids = engine.docker(&["ps", "-aq", "--no-trunc", "--filter", label]);
        let format = "{{.Name}} {{.Id}} {{.State.Running}} {{.HostConfig.RestartPolicy.Name}} \
                      {{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
        let mut args = vec!["inspect", "--format", format];
        args.extend(ids.lines());
        let mut lines: Vec<String> = engine.docker(&args).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    fn all(&self) -> (Vec<String>, String, String, String) {
        let engine = &self.stack.engine;
        let volumes = engine.docker(&["volume", "ls", "-q"]);
        let networks = engine.docker(&["network", "ls", "-q"]);
        let toml = self.stack.project().read("landfall.toml");
        (self.containers(), volumes, networks, toml)
    }
}

/// A port of loopback that nobody has.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Status and body; `None` where the answer is not whole.
fn ask(at: SocketAddr, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(at).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    let length = body.len();
    // HTTP/1.0 has no chunks, and ends with the connection.
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// Users behind a web server that asks what Compose runs, and Landfall's proxy where that does not
/// answer: `server COMPOSE; server LANDFALL backup;` in nginx.
struct Users {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Lost>>,
}

/// A request that nobody answered well.
struct Lost {
    path: &'static str,
    at: Instant,
    status: Option<u16>,
}

impl std::fmt::Debug for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {:?} {:?} ago",
            self.path,
            self.status,
            self.at.elapsed()
        )
    }
}

impl Users {
    fn of(compose: SocketAddr, landfall: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut lost = Vec::new();
            for path in PATHS.into_iter().cycle() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let at = Instant::now();
                let answer =
                    ask(compose, "GET", path, "").or_else(|| ask(landfall, "GET", path, ""));
                let status = answer.map(|(status, _)| status);
                if status != Some(200) {
                    lost.push(Lost { path, at, status });
                }
            }
            lost
        });
        Self { stop, thread }
    }

    fn lost(self) -> Vec<Lost> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("users")
    }
}

#[test]
fn b1_a_project_that_compose_runs_is_taken_over_and_given_back_with_all_its_data() {
    let composed = Composed::up();
    let (stack, project) = (&composed.stack, composed.stack.project());
    composed.complete_jobs(3);
    let before = composed.all();

    let plan = project.landfall(&["adopt", "--dry-run"]).ok().stdout;
    for said in [
        "stock-redis-1",
        "redis is replaced stop-first",
        "stock_redis",
        "stock-api-1, stock-web-1, stock-worker-1",
    ] {
        assert!(plan.contains(said), "{said:?} in\n{plan}");
    }
    assert_eq!(composed.all(), before, "a look changes nothing");

    let users = Users::of(composed.web, stack.sandbox.http());
    let begun = Instant::now();
    project.landfall(&["adopt", "--yes"]).ok();
    let took = begun.elapsed();
    let lost = users.lost();
    let (gap, others): (Vec<&Lost>, Vec<&Lost>) =
        lost.iter().partition(|lost| lost.path == "/api/jobs/count");
    assert!(
        others.is_empty(),
        "what needs no Redis has no gap: {others:?}"
    );
    assert!(
        gap.iter().all(|lost| lost.at < begun + took),
        "lost after the takeover: {gap:?}"
    );

    stack.site().until("/api/jobs/count", "completed", 3);
    let after = composed.containers();
    assert_eq!(after.len(), before.0.len(), "none is removed: {after:#?}");
    for line in &after {
        assert!(
            line.contains(" false unless-stopped stock_default"),
            "{line}"
        );
    }
    let volumes = stack.engine.docker(&["volume", "ls", "-q"]);
    assert_eq!(volumes, before.1, "the same volumes, and no other");

    stack.site().json("POST", "/api/jobs", "{\"duration\": 0}");
    stack.site().until("/api/jobs/count", "completed", 4);
    let redis = stack.containers("redis");
    let live = Live::start_with(&project, "dev", stack.site().load(&PATHS));
    stack.edit(
        "compose.prod.yaml",
        "CONCURRENCY: \"4\"",
        "CONCURRENCY: \"3\"",
    );
    live.unchanged(&["deploy", "--yes"]).ok();
    live.assert_nothing_lost();
    assert_eq!(
        stack.containers("redis"),
        redis,
        "it was never touched again"
    );
    stack.site().until("/api/jobs/count", "completed", 4);

    project.landfall(&["remove", "--yes"]).ok();
    composed.compose(&["up", "-d", "--no-build", "--wait"]);
    composed.until_completed(4);
}

#[test]
fn b2_a_takeover_that_fails_leaves_the_project_running_as_it_was() {
    let composed = Composed::up();
    let (stack, project) = (&composed.stack, composed.stack.project());
    composed.complete_jobs(2);
    let before = composed.containers();
    stack.edit(
        "compose.prod.yaml",
        "--maxmemory 128mb",
        "--maxmemory a-lot",
    );
    let failed = project.landfall(&["adopt", "--yes", "--json"]);
    assert_eq!(failed.code, Some(3), "{failed:#}");
    let cause = failed.json()["cause"].clone();
    assert!(cause.to_string().contains("redis"), "{cause:#}");
    assert_eq!(composed.containers(), before);
    composed.until_completed(2);
    assert!(stack.containers("api").is_empty());
}

#[test]
fn a_project_that_does_not_run_is_refused_and_those_that_run_are_named() {
    let composed = Composed::up();
    let project = composed.stack.project();
    let refused = project.landfall(&["adopt", "shop"]).fails_with(5);
    assert!(
        refused.stderr.contains("those that run: stock"),
        "{refused:#}"
    );
}
