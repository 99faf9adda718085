//! Start, status, stop, exit.

use std::time::Duration;

use landfall_model::spec::StopSpec;
use landfall_runtime::{ExitReason, InstanceState, Runtime, RuntimeError, Stream};

use crate::bench::{Bench, env, is_alive, is_running, pid, unique_id, until_dead, within};

#[tokio::test]
async fn an_instance_starts_tells_of_itself_and_stops() {
    let bench = Bench::new();
    let spec = bench.sh("echo hello; echo oops >&2; exec sleep 1000");
    bench.start(&spec).await;
    let status = bench.status(&spec.id).await;
    assert!(is_running(&status), "{status:?}");
    assert_eq!(status.spec, spec);
    let app = pid(&status);
    bench.line(&spec.id, "hello").await;

    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert!(!is_alive(app));
    let status = bench.status(&spec.id).await;
    assert_eq!(status.state, InstanceState::Exited);
    let exit = status.last_exit.expect("an exit");
    assert_eq!((exit.signal, exit.reason), (Some(15), ExitReason::Stopped));
    assert_eq!(bench.texts(&spec.id, Stream::Stderr).await, ["oops"]);
    assert!(bench.dir(&spec.id).join("exit.json").exists());
}

#[tokio::test]
async fn starting_twice_at_the_same_time_gives_one_instance() {
    let bench = Bench::new();
    let other = crate::bench::runtime_at(bench.dir(&unique_id()).parent().expect("a parent"));
    let spec = bench.sh("echo started $$; exec sleep 1000");
    let env = env(&[]);
    let (a, b, c) = tokio::join!(
        bench.runtime.start(&spec, &env),
        other.start(&spec, &env),
        bench.runtime.start(&spec, &env),
    );
    for outcome in [a, b, c] {
        outcome.expect("a start");
    }
    bench.line(&spec.id, "started").await;
    assert_eq!(bench.texts(&spec.id, Stream::Stdout).await.len(), 1);
    assert_eq!(other.list().await.expect("a list").len(), 1);
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert_eq!(bench.texts(&spec.id, Stream::Stdout).await.len(), 1);
}

#[tokio::test]
async fn one_that_ignores_the_signal_is_killed_after_its_grace_with_all_its_processes() {
    let bench = Bench::new();
    let spec = bench.sh(
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo daemon $$; while :; do sleep 1; done' &
         sh -c 'trap \"\" TERM; echo child $$; while :; do sleep 1; done' &
         while :; do sleep 1; done",
    );
    bench.start(&spec).await;
    let app = pid(&bench.status(&spec.id).await);
    let daemon = bench
        .line(&spec.id, "daemon ")
        .await
        .parse()
        .expect("a pid");
    let child = bench.line(&spec.id, "child ").await.parse().expect("a pid");
    let stop = StopSpec {
        signal: "SIGTERM".into(),
        grace: Duration::from_millis(300),
    };
    within(bench.runtime.stop(&spec.id, &stop))
        .await
        .expect("a stop");
    for pid in [app, daemon, child] {
        assert!(!is_alive(pid), "{pid} is left");
    }
    let exit = bench.status(&spec.id).await.last_exit.expect("an exit");
    assert_eq!(exit.reason, ExitReason::StopTimedOut);
}

#[tokio::test]
async fn children_that_outlive_the_first_process_get_the_signal_and_the_rest_of_the_grace() {
    let bench = Bench::new();
    let spec = bench.sh(
        "sh -c 'trap \"echo child finished; exit 0\" TERM; echo ready; while :; do sleep 0.05; done' &
         wait",
    );
    bench.start(&spec).await;
    bench.line(&spec.id, "ready").await;
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    bench.line(&spec.id, "child finished").await;
    let exit = bench.status(&spec.id).await.last_exit.expect("an exit");
    assert_eq!(exit.reason, ExitReason::Stopped);
}

#[tokio::test]
async fn what_an_exited_program_leaves_behind_is_killed() {
    let bench = Bench::new();
    let spec = bench.sh("setsid sh -c 'echo left $$; exec sleep 1000' & sleep 0.3; exit 7");
    bench.start(&spec).await;
    let status = bench.until_exited(&spec.id).await;
    let exit = status.last_exit.expect("an exit");
    assert_eq!((exit.code, exit.reason), (Some(7), ExitReason::Itself));
    let left = bench.line(&spec.id, "left ").await.parse().expect("a pid");
    until_dead(left).await;
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_said_to_be_missing() {
    let bench = Bench::new();
    let mut spec = bench.sh("");
    spec.run = bench.program("/no/such/program");
    bench.start(&spec).await;
    let exit = bench
        .until_exited(&spec.id)
        .await
        .last_exit
        .expect("an exit");
    assert_eq!(exit.reason, ExitReason::CouldNotStart);
    let said = bench.texts(&spec.id, Stream::Landfall).await.join("\n");
    assert!(
        said.contains("failed to execute /no/such/program: No such file"),
        "{said}"
    );
}

#[tokio::test]
async fn a_kill_by_someone_else_is_told_apart() {
    let bench = Bench::new();
    let spec = bench.sh("kill -9 $$");
    bench.start(&spec).await;
    let exit = bench
        .until_exited(&spec.id)
        .await
        .last_exit
        .expect("an exit");
    assert_eq!(
        (exit.signal, exit.reason),
        (Some(9), ExitReason::KilledByOther)
    );
}

#[tokio::test]
async fn an_exited_instance_runs_again_under_the_same_id_and_its_seq_grows() {
    let bench = Bench::new();
    let spec = bench.sh("echo run");
    bench.start(&spec).await;
    let first = bench.until_exited(&spec.id).await;
    bench.start(&spec).await;
    let second = bench.until(&spec.id, |status| {
        status.state == InstanceState::Exited && status.seq > first.seq
    });
    second.await;
    assert_eq!(bench.texts(&spec.id, Stream::Stdout).await, ["run", "run"]);
}

#[tokio::test]
async fn what_does_not_exist_is_stopped_and_removed_without_a_word() {
    let bench = Bench::new();
    let id = unique_id();
    let stop = StopSpec {
        signal: "SIGTERM".into(),
        grace: Duration::ZERO,
    };
    bench.runtime.stop(&id, &stop).await.expect("a stop");
    bench.runtime.remove(&id).await.expect("a removal");
    assert!(matches!(
        bench.runtime.status(&id).await,
        Err(RuntimeError::NotFound(_))
    ));
    assert!(bench.runtime.list().await.expect("a list").is_empty());
}

#[tokio::test]
async fn a_running_instance_is_not_removed() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let error = bench
        .runtime
        .remove(&spec.id)
        .await
        .expect_err("a refusal")
        .to_string();
    assert!(error.contains("still running"), "{error}");
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    bench.runtime.remove(&spec.id).await.expect("a removal");
    assert!(!bench.dir(&spec.id).exists());
}
