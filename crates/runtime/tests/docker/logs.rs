//! Logs: what was written, by which stream, when, over every restart.

use jiff::Timestamp;
use landfall_runtime::{InstanceState, LogLine, LogQuery, Runtime, Stream};
use tokio::sync::mpsc;

use crate::bench::{Bench, kill, pid, within};

#[tokio::test]
async fn lines_have_their_stream_and_their_time() {
    let bench = Bench::new();
    let before = Timestamp::now();
    let spec = bench.sh("echo one; echo two >&2; printf three");
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    let lines = bench.runtime.logs(&spec.id, &LogQuery::default()).await;
    let lines = lines.expect("a log");
    assert!(
        lines
            .iter()
            .all(|line| line.at > before && line.at < Timestamp::now())
    );
    assert_eq!(
        bench.texts(&spec.id, Stream::Stdout).await,
        ["one", "three"]
    );
    assert_eq!(bench.texts(&spec.id, Stream::Stderr).await, ["two"]);
    let query = LogQuery {
        tail: None,
        since: Some(lines[1].at),
    };
    let later = bench.runtime.logs(&spec.id, &query).await.expect("a log");
    assert_eq!(later, lines[1..]);
}

#[tokio::test]
async fn long_lines_are_whole_and_the_last_ones_are_found() {
    let bench = Bench::new();
    let spec = bench.sh(
        "for n in 1 2 3 4 5; do head=line$n; printf $head; printf '%050000d' 0; echo; done; echo end",
    );
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    let query = LogQuery {
        tail: Some(3),
        since: None,
    };
    let lines = bench.runtime.logs(&spec.id, &query).await.expect("a log");
    let lengths: Vec<usize> = lines.iter().map(|line| line.text.len()).collect();
    assert_eq!(lengths, [50_005, 50_005, 3]);
    assert!(lines[0].text.starts_with("line4") && lines[1].text.starts_with("line5"));
}

/// The numbers of lines `n NUMBER`.
fn numbers(lines: &[LogLine]) -> Vec<u32> {
    let number = |line: &LogLine| line.text.strip_prefix("n ")?.parse().ok();
    lines.iter().filter_map(number).collect()
}

/// A script that counts up over all its runs, with many lines in each, and says when it has.
const COUNT: &str = "n=$(cat /tmp/n 2>/dev/null || echo 0); end=$((n + 200));
    while [ $n -lt $end ]; do n=$((n + 1)); echo n $n; done; echo $n >/tmp/n; echo done $n";

#[tokio::test]
async fn a_log_is_followed_over_restarts_without_loss_or_doubling() {
    let bench = Bench::new();
    let spec = bench.service(&format!("{COUNT}; exec sleep 1000"));
    bench.start(&spec).await;
    let (to, mut from) = mpsc::channel(8);
    let runtime = bench.another_runtime();
    let id = spec.id.clone();
    let follow = tokio::spawn(async move {
        let query = LogQuery::default();
        runtime.follow_logs(&id, &query, to).await
    });
    let mut lines = Vec::new();
    for round in 1..=3 {
        let is_done = |line: &LogLine| line.text == format!("done {}", round * 200);
        while !lines.last().is_some_and(is_done) {
            lines.push(within(from.recv()).await.expect("a line"));
        }
        let status = bench.until_running(&spec.id).await;
        kill(pid(&status));
        let restarted = |now: &landfall_runtime::InstanceStatus| {
            matches!(now.state, InstanceState::Running { .. }) && now.restarts == round
        };
        bench.until(&spec.id, restarted).await;
    }
    while numbers(&lines).last() != Some(&800) {
        lines.push(within(from.recv()).await.expect("a line"));
    }
    bench.stop(&spec).await;
    within(follow).await.expect("an end").expect("a good one");
    while let Some(line) = from.recv().await {
        lines.push(line);
    }
    assert_eq!(numbers(&lines), (1..=800).collect::<Vec<u32>>());
}

#[tokio::test]
async fn following_ends_with_the_instance_and_with_the_reader() {
    let bench = Bench::new();
    let spec = bench.sh("echo one; read x; echo two");
    bench.start(&spec).await;
    let all = LogQuery::default();
    let (to, mut from) = mpsc::channel(8);
    let (followed, ()) = tokio::join!(
        within(bench.runtime.follow_logs(&spec.id, &all, to)),
        async { while from.recv().await.is_some() {} }
    );
    followed.expect("an end");
    let running = bench.service("echo one; exec sleep 1000");
    bench.start(&running).await;
    let (to, mut from) = mpsc::channel(8);
    let (followed, ()) = tokio::join!(
        within(bench.runtime.follow_logs(&running.id, &all, to)),
        async {
            within(from.recv()).await.expect("a line");
            drop(from);
        }
    );
    followed.expect("an end");
}
