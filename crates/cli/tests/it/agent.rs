//! The agent as commands keep it.

use crate::harness::{Test, kill, ran, wait_until};

fn pid(test: &Test) -> Option<u64> {
    test.json(&["agent", "status"]).1["agent"]["pid"].as_u64()
}

#[test]
fn an_agent_that_does_not_run_is_exit_code_6_with_how_to_start_it() {
    let test = Test::new();
    let ran = test.run(&["agent", "status"]);
    assert_eq!(ran.code, 6);
    assert!(
        ran.stderr.contains("landfall agent start"),
        "{}",
        ran.stderr
    );
}

#[test]
fn two_starts_at_the_same_moment_make_one_agent() {
    let test = Test::new();
    let starts: Vec<_> = (0..4)
        .map(|_| test.start(&["agent", "start", "--json"]))
        .collect();
    let mut pids = Vec::new();
    for start in starts {
        let ran = ran(start.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        pids.push(json["agent"]["pid"].as_u64().unwrap());
    }
    pids.dedup();
    assert_eq!(pids.len(), 1, "{pids:?}");
}

#[test]
fn b7_a_killed_agent_is_back_by_itself_and_the_proxy_never_went() {
    let test = Test::new();
    test.ok(&["agent", "start"]);
    let (_, before) = test.json(&["agent", "status"]);
    let first = before["agent"]["pid"].as_u64().unwrap();
    kill(first);
    wait_until("another agent answers", || {
        pid(&test).is_some_and(|now| now != first)
    });
    let (_, after) = test.json(&["agent", "status"]);
    assert_eq!(
        before["agent"]["proxy"]["pid"],
        after["agent"]["proxy"]["pid"]
    );
}

#[test]
fn a_removed_socket_is_put_back_and_never_makes_a_second_agent() {
    let test = Test::new();
    test.ok(&["agent", "start"]);
    let first = pid(&test);
    std::fs::remove_file(test.state().join("run/agent.sock")).unwrap();
    let start = test.ok(&["agent", "start"]);
    assert!(
        start.stdout.contains("runs already"),
        "{}{}",
        start.stdout,
        start.stderr
    );
    assert_eq!(pid(&test), first);
}

#[test]
fn a_stopped_agent_stays_stopped_and_is_started_by_the_next_command_that_needs_it() {
    let test = Test::with_site();
    test.ok(&["agent", "start"]);
    test.ok(&["agent", "stop"]);
    assert_eq!(test.run(&["agent", "status"]).code, 6);
    let plan = test.ok(&["plan"]);
    assert!(plan.stderr.contains("started the agent"), "{}", plan.stderr);
    assert_eq!(test.run(&["agent", "status"]).code, 0);
}

#[test]
fn stopping_everything_asks_first() {
    let test = Test::new();
    test.ok(&["agent", "start"]);
    let ran = test.run(&["agent", "stop", "--everything"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert_eq!(test.run(&["agent", "status"]).code, 0);
}
