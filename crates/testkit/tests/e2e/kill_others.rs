//! B7, F1: killed proxies and shims, removed sockets and records.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use landfall_testkit::process::Process;
use landfall_testkit::{Project, Sandbox, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(60);

fn kill(pid: i32) {
    send(pid, Signal::KILL);
}

fn send(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn arguments(process: &Process) -> String {
    let line = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}

/// The one process of a sandbox with this in its command line.
#[track_caller]
fn find(sandbox: &Sandbox, what: impl Fn(&str) -> bool) -> i32 {
    let found: Vec<Process> = sandbox
        .processes()
        .into_iter()
        .filter(|process| what(&arguments(process)))
        .collect();
    let lines: Vec<String> = found.iter().map(arguments).collect();
    assert_eq!(found.len(), 1, "{lines:?}");
    found[0].pid
}

fn is_proxy(line: &str) -> bool {
    line.contains(" proxy ")
}

fn is_agent(line: &str) -> bool {
    line.contains(" agent run")
}

fn is_web_shim(line: &str) -> bool {
    line.contains(" shim ") && line.contains("/instances/web-")
}

/// What the app answers, if it does.
fn version(address: std::net::SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream
        .write_all(b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer
        .starts_with("HTTP/1.1 200")
        .then(|| answer.lines().last().unwrap_or("").to_owned())
}

#[test]
fn b7_a_killed_proxy_is_back_with_its_last_routes_without_the_agent() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let address = sandbox.http();
    project.landfall(&["agent", "stop"]).ok();
    let before = find(&sandbox, is_proxy);
    kill(before);
    wait_for(PATIENCE, "an answer of the proxy without an agent", || {
        version(address)
    });
    assert_ne!(find(&sandbox, is_proxy), before);
    assert!(
        sandbox
            .processes()
            .iter()
            .all(|process| !is_agent(&arguments(process)))
    );
}

#[test]
fn f1_a_stray_sigterm_ends_neither_the_agent_nor_the_proxy_for_good() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let address = sandbox.http();
    for of_whom in [is_agent, is_proxy] {
        let before = find(&sandbox, of_whom);
        send(before, Signal::TERM);
        wait_until(PATIENCE, "another process in its place", || {
            let all = sandbox.processes();
            let is_other =
                |process: &&Process| process.pid != before && of_whom(&arguments(process));
            all.iter().filter(is_other).count() == 1
        });
    }
    wait_for(PATIENCE, "an answer of the new proxy", || version(address));
}

#[test]
fn f1_a_killed_shim_is_found_reported_and_replaced_and_the_app_is_never_doubled() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let shim = find(&sandbox, is_web_shim);
    kill(shim);
    wait_until(PATIENCE, "another shim and one app", || {
        let lines: Vec<String> = sandbox.processes().iter().map(arguments).collect();
        let shims = sandbox
            .processes()
            .into_iter()
            .filter(|p| is_web_shim(&arguments(p)));
        let apps = lines.iter().filter(|line| line.contains("./hello")).count();
        shims
            .map(|process| process.pid)
            .collect::<Vec<_>>()
            .iter()
            .all(|pid| *pid != shim)
            && apps == 1
            && version(sandbox.http()).is_some()
    });
    let logs = project.landfall(&["agent", "status"]).ok();
    assert!(!logs.stdout.is_empty());
}

#[test]
fn f1_a_removed_agent_socket_comes_back_and_there_is_never_a_second_agent() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    let agent = find(&sandbox, is_agent);
    fs::remove_file(sandbox.home().join("run/agent.sock")).unwrap();
    let status = project.landfall(&["status", "--json"]).ok().json();
    assert_eq!(status["serving"], 1, "{status:#}");
    assert_eq!(find(&sandbox, is_agent), agent, "the same agent as before");
}

#[test]
fn f1_removed_records_of_an_instance_never_make_it_vanish() {
    for record in ["control.sock", "state.json", "spec.json"] {
        let sandbox = Sandbox::new();
        let project = Project::hello(&sandbox);
        project.landfall(&["deploy", "--yes"]).ok();
        let app = find(&sandbox, |line| line.contains("./hello"));
        let instances = sandbox.home().join("instances");
        let instance = fs::read_dir(&instances)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        fs::remove_file(instance.join(record)).unwrap();
        wait_until(PATIENCE, record, || instance.join(record).exists());
        let status = project.landfall(&["status", "--json"]).ok().json();
        let instances = status["services"][0]["instances"].as_array().unwrap();
        assert_eq!(instances.len(), 1, "{record}: {status:#}");
        assert_eq!(
            find(&sandbox, |line| line.contains("./hello")),
            app,
            "{record}"
        );
        assert!(version(sandbox.http()).is_some(), "{record}");
    }
}

#[test]
fn f1_two_agents_started_at_once_become_one() {
    let sandbox = Sandbox::new();
    let mut starts: Vec<_> = (0..4)
        .map(|_| {
            sandbox
                .command(["agent", "start"])
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for start in &mut starts {
        assert!(start.wait().unwrap().success());
    }
    find(&sandbox, is_agent);
}

#[test]
fn b6_a_killed_messenger_leaves_the_deployment_running_and_anyone_can_attach() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.landfall(&["deploy", "--yes"]).ok();
    project
        .release_with(serde_json::json!({"version": "v2", "behaviour": "slow-start", "ms": 4000}));
    let mut deploy = sandbox
        .command(["deploy", "--yes"])
        .current_dir(project.dir())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until(PATIENCE, "a deployment under way", || {
        let status = project.landfall(&["status", "--json"]).ok().json();
        status["deployment"] == 2
    });
    deploy.kill().unwrap();
    deploy.wait().unwrap();
    let attached = project.landfall(&["attach", "2"]).ok();
    assert!(
        attached.stdout.contains("switch") || attached.stderr.contains("switch"),
        "{attached:#}"
    );
    assert_eq!(version(sandbox.http()).as_deref(), Some("v2"));
}
