//! The hello app does what it says: every test that deploys it relies on that.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::Duration;

use landfall_testkit::load::{Failure, Kind, Load, LoadPlan, Outcome};
use landfall_testkit::{bins, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running hello; killed when dropped.
struct Hello {
    child: Child,
    stderr: BufReader<ChildStderr>,
    _dir: TempDir,
}

impl Hello {
    fn start(behaviour: &str, ms: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hello = format!(r#"{{"version":"v7","behaviour":"{behaviour}","ms":{ms}}}"#);
        std::fs::write(dir.path().join("hello.json"), hello).unwrap();
        let mut child = Command::new(bins::hello())
            .current_dir(dir.path())
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            stderr,
            _dir: dir,
        }
    }

    fn address(&mut self) -> SocketAddr {
        let mut line = String::new();
        while self.stderr.read_line(&mut line).unwrap() > 0 {
            if let Some((_, address)) = line.trim_end().split_once("listening on http://") {
                return address.parse().unwrap();
            }
            line.clear();
        }
        panic!("hello ended before it listened");
    }

    fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    fn ended(&mut self) -> ExitStatus {
        wait_for(PATIENCE, "hello to end", || self.child.try_wait().unwrap())
    }

    fn rest_of_stderr(&mut self) -> String {
        let mut text = String::new();
        self.stderr.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Hello {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer to a GET, head and body.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: hello\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_good_version_tells_itself_everywhere_and_redirects_orders() {
    let mut hello = Hello::start("good", 0);
    let address = hello.address();
    for path in [
        "/",
        "/version",
        "/health",
        "/orders",
        "/stream?ms=1",
        "/nowhere",
    ] {
        let answer = get(address, path);
        assert!(answer.contains("x-version: v7\r\n"), "{path}: {answer}");
    }
    assert!(get(address, "/version").ends_with("\r\n\r\nv7"));
    assert!(get(address, "/").contains("<h1>v7</h1>"));
    assert!(get(address, "/stream?ms=1&chunks=3").contains("2 v7"));
    let orders = get(address, "/orders");
    assert!(orders.starts_with("HTTP/1.1 307 "), "{orders}");
    assert!(orders.contains("location: /auth/login\r\n"), "{orders}");
}

#[test]
fn told_to_stop_it_answers_what_it_has_and_says_goodbye_to_websockets() {
    let mut hello = Hello::start("good", 0);
    let plan = LoadPlan {
        slow: 3,
        websockets: 3,
        slow_path: "/slow?ms=700".into(),
        message_every: Duration::from_millis(10),
        ..LoadPlan::idle(hello.address(), "hello.localhost")
    };
    let load = Load::start(plan).unwrap();
    wait_until(PATIENCE, "load", || {
        let now = load.snapshot();
        now.requests > 50 && now.open_websockets == 3
    });
    hello.terminate();
    assert!(hello.ended().success());
    let report = load.stop_blocking();
    assert!(
        report.count(Kind::Slow) >= 3,
        "a slow request was not answered"
    );
    for lost in report.failures() {
        // Nobody listens any more: that alone may be met, by those who come anew.
        let anew =
            lost.outcome == Outcome::Failed(Failure::Refused) || lost.kind == Kind::WebSocketOpen;
        assert!(anew, "{}", report.describe(lost));
    }
}

#[test]
fn a_version_that_exits_at_once_says_what_it_misses() {
    let mut hello = Hello::start("exits-at-once", 0);
    assert_eq!(hello.ended().code(), Some(101));
    let said = hello.rest_of_stderr();
    assert!(
        said.contains("environment variable HELLO_DATABASE_URL is missing"),
        "{said}"
    );
}

#[test]
fn a_version_that_exits_later_was_well_before() {
    let mut hello = Hello::start("exits-after", 300);
    hello.address();
    assert_eq!(hello.ended().code(), Some(1));
    assert!(hello.rest_of_stderr().contains("lost connection"));
}

#[test]
fn an_unhealthy_version_answers_all_but_health() {
    let mut hello = Hello::start("unhealthy", 0);
    let address = hello.address();
    assert!(get(address, "/health").starts_with("HTTP/1.1 500 "));
    assert!(get(address, "/").starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_version_with_a_wrong_smoke_answers_orders_without_a_redirect() {
    let mut hello = Hello::start("wrong-smoke", 0);
    let address = hello.address();
    assert!(get(address, "/health").starts_with("HTTP/1.1 200 "));
    assert!(get(address, "/orders").starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_version_that_errs_under_traffic_passes_checks_first() {
    let mut hello = Hello::start("errs-under-traffic", 0);
    let address = hello.address();
    let errs = |path| get(address, path).starts_with("HTTP/1.1 500 ");
    assert_eq!((0..20).filter(|_| errs("/")).count(), 0);
    assert_eq!((0..50).filter(|_| errs("/work")).count(), 20);
    for path in ["/health", "/version", "/orders"] {
        assert_eq!((0..20).filter(|_| errs(path)).count(), 0, "{path}");
    }
}

#[test]
fn a_version_that_ignores_sigterm_goes_on() {
    let mut hello = Hello::start("ignores-sigterm", 0);
    let address = hello.address();
    hello.terminate();
    let mut said = String::new();
    while !said.contains("not now") {
        assert!(hello.stderr.read_line(&mut said).unwrap() > 0, "{said}");
    }
    assert!(get(address, "/health").starts_with("HTTP/1.1 200 "));
}
