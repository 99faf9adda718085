//! The engine goes away and comes back.

use landfall_runtime::{InstanceState, LogQuery, Runtime, RuntimeError};
use tokio::sync::mpsc;

use crate::bench::{Bench, container, env, eventually, get, pid, within};
use crate::engine_fixture::DockerEngine;

const SERVE: &str = "echo here >/tmp/name; echo up; exec httpd -f -p $PORT -h /tmp";

#[tokio::test]
async fn with_live_restore_containers_outlive_a_restart_of_the_engine() {
    let mut engine = DockerEngine::start(true);
    let bench = Bench::on(&engine);
    let spec = bench.service(SERVE);
    bench.start(&spec).await;
    let before = bench.until_running(&spec.id).await;
    let address = bench
        .runtime
        .address(&spec.id)
        .await
        .expect("one")
        .expect("one");
    eventually("an answer", async || get(address, "/name").await).await;
    engine.stop_daemon();
    let error = bench.runtime.status(&spec.id).await.expect_err("a silence");
    assert!(matches!(error, RuntimeError::EngineDown { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("does not answer at") && text.contains("systemctl"),
        "{text}"
    );
    assert_eq!(get(address, "/name").await.as_deref(), Some("here"));
    engine.start_daemon();
    let after = bench.until_running(&spec.id).await;
    assert_eq!(pid(&after), pid(&before));
    assert_eq!(
        bench.runtime.address(&spec.id).await.expect("one"),
        Some(address)
    );
    bench.stop(&spec).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_followed_goes_on_after_the_engine_came_back() {
    let mut engine = DockerEngine::start(true);
    let bench = Bench::on(&engine);
    let spec = bench.service("n=0; while :; do n=$((n + 1)); echo $n; sleep 0.01; done");
    bench.start(&spec).await;
    let (to, mut lines) = mpsc::channel(64);
    let (other, id) = (bench.another_runtime(), spec.id.clone());
    let follow = tokio::spawn(async move {
        let followed = other.follow_logs(&id, &LogQuery::default(), to).await;
        followed.expect("an end");
    });
    let mut read = Vec::new();
    let mut read_to = async |end: u32| {
        while read.last().is_none_or(|last: &u32| *last < end) {
            let line = within(lines.recv()).await.expect("a line");
            read.push(line.text.parse().expect("a number"));
        }
        read.len()
    };
    read_to(30).await;
    let seen = bench.status(&spec.id).await;
    tokio::task::block_in_place(|| engine.stop_daemon());
    tokio::task::block_in_place(|| engine.start_daemon());
    let count = read_to(500).await;
    assert_eq!(bench.until_running(&spec.id).await.state, seen.state);
    // An engine that ends may itself lose a line that it was about to write.
    let kept = bench.docker(&["logs", &container(&spec.id)]);
    let kept = kept.lines().map(|line| line.parse().expect("a number"));
    assert_eq!(read, kept.take(count).collect::<Vec<u32>>());
    bench.stop(&spec).await;
    within(follow).await.expect("an end");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_live_restore_services_come_back_with_the_engine_and_stopped_ones_do_not() {
    let mut engine = DockerEngine::start(false);
    let bench = Bench::on(&engine);
    let (spec, stopped) = (bench.service(SERVE), bench.service("exec sleep 1000"));
    bench.start(&spec).await;
    bench.start(&stopped).await;
    bench.stop(&stopped).await;
    let before = bench.until_running(&spec.id).await;
    let (to, mut lines) = mpsc::channel(64);
    let (other, id) = (bench.another_runtime(), spec.id.clone());
    let follow = tokio::spawn(async move {
        let followed = other.follow_logs(&id, &LogQuery::default(), to).await;
        followed.expect("an end");
    });
    within(lines.recv()).await.expect("a line");
    let waiting = bench.runtime.changed(&spec.id, before.seq);
    let restart = async {
        tokio::task::block_in_place(|| engine.stop_daemon());
        tokio::task::block_in_place(|| engine.start_daemon());
    };
    let (changed, ()) = within(async { tokio::join!(waiting, restart) }).await;
    assert!(changed.expect("a change").seq > before.seq);
    let after = bench.until_running(&spec.id).await;
    assert!(pid(&after) != pid(&before));
    let line = within(lines.recv())
        .await
        .expect("a line of the second run");
    assert_eq!(line.text, "up");
    assert_eq!(bench.status(&stopped.id).await.state, InstanceState::Exited);
    bench.stop(&spec).await;
    within(follow).await.expect("an end");
    assert!(lines.try_recv().is_err(), "no line twice");
}

#[tokio::test]
async fn a_start_without_an_engine_is_refused_with_what_helps() {
    let mut engine = DockerEngine::start(false);
    let bench = Bench::on(&engine);
    engine.stop_daemon();
    let spec = bench.service("exec sleep 1000");
    let error = bench
        .runtime
        .start(&spec, &env(&[]))
        .await
        .expect_err("a silence");
    assert!(matches!(error, RuntimeError::EngineDown { .. }), "{error}");
    engine.start_daemon();
    bench.start(&spec).await;
    bench.until_running(&spec.id).await;
}
