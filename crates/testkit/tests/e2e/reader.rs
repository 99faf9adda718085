//! The reader example: a gateway with WebSockets, pages, workers and Postgres.

use std::thread;

use crate::live::Live;
use crate::stack::{Stack, stream};

/// Deployments and rollbacks under load.
const ROUNDS: usize = 7;

#[test]
fn b1_b9_fourteen_deployments_and_rollbacks_lose_no_request_no_message_and_no_data() {
    let stack = Stack::of("reader", &["web", "gateway", "worker"]);
    let project = stack.project();
    project.landfall(&["deploy", "--yes"]).ok();
    project.landfall(&["run", "seed"]).ok();
    project.landfall(&["run", "seed"]).ok();
    let seeded = notes(&stack);
    let plan = stack.site().load(&["/", "/api/version", "/api/notes"]);
    let postgres = stack.containers("postgres");
    let live = Live::start_with(&project, "dev", plan);
    let proxy = stack.sandbox.http();
    for round in 0..ROUNDS {
        let note = format!("{{\"text\": \"round {round}\"}}");
        stack.site().json("POST", "/api/notes", &note);
        stack.site().json("POST", "/api/tasks", "{\"size\": 200}");
        // Open while the gateway behind it is replaced.
        let reading = thread::spawn(move || stream(proxy, "/ws?n=60&every_ms=200"));
        let source = project.read("gateway/reader/__init__.py");
        project.write(
            "gateway/reader/__init__.py",
            &format!("{source}# {round}\n"),
        );
        let deployed = live.unchanged(&["deploy", "--yes"]).ok();
        assert_eq!(Stack::built(&deployed.stdout), ["gateway"], "{deployed:#}");
        live.unchanged(&["rollback", "--yes"]).ok();
        assert_eq!(reading.join().expect("a reader"), (60, Some(1000)));
    }
    live.assert_nothing_lost();
    assert_eq!(notes(&stack), seeded + ROUNDS);
    stack
        .site()
        .until("/api/tasks/count", "finished", ROUNDS as u64);
    assert_eq!(
        stack.containers("postgres"),
        postgres,
        "it was never touched"
    );
    assert_eq!(stack.containers("worker").len(), 2);
}

fn notes(stack: &Stack) -> usize {
    let notes = stack.site().json("GET", "/api/notes", "");
    notes.as_array().expect("a list").len()
}
