//! What happens after exits.

use std::time::Duration;

use landfall_runtime::{InstanceState, Runtime, Stream};

use crate::bench::{Bench, is_running, kill, pid, quick_restart, within};

#[tokio::test]
async fn f1_a_program_that_is_killed_runs_again() {
    let bench = Bench::new();
    let mut spec = bench.sh("echo up; exec sleep 1000");
    spec.restart = Some(quick_restart());
    bench.start(&spec).await;
    let first = pid(&bench.status(&spec.id).await);
    kill(first);
    let status = bench
        .until(&spec.id, |status| {
            is_running(status) && pid(status) != first
        })
        .await;
    assert_eq!(status.restarts, 1);
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn f1_too_many_exits_are_a_crash_loop_and_a_stop_ends_it_at_once() {
    let bench = Bench::new();
    let mut spec = bench.sh("echo out; exit 3");
    let mut restart = quick_restart();
    restart.max_backoff = Duration::from_secs(3600);
    spec.restart = Some(restart);
    bench.start(&spec).await;
    let looping = |status: &landfall_runtime::InstanceStatus| {
        matches!(status.state, InstanceState::CrashLooping { .. })
    };
    let status = bench.until(&spec.id, looping).await;
    assert_eq!(status.restarts, 3);
    assert_eq!(status.last_exit.expect("an exit").code, Some(3));
    // The next start is an hour away, and so is its grace.
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert_eq!(bench.status(&spec.id).await.state, InstanceState::Exited);
    assert_eq!(bench.texts(&spec.id, Stream::Stdout).await.len(), 4);
}

#[tokio::test]
async fn a_service_that_exits_with_0_is_started_again() {
    let bench = Bench::new();
    let mut spec = bench.sh("exit 0");
    spec.restart = Some(quick_restart());
    bench.start(&spec).await;
    bench.until(&spec.id, |status| status.restarts >= 2).await;
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn a_process_of_landfalls_own_that_exits_with_0_has_handed_over_and_stays_so() {
    let bench = Bench::new();
    let mut spec = bench.sh("test -e again || { touch again; exit 1; }; exit 0");
    spec.restart = Some(quick_restart());
    spec.owner = None;
    bench.start(&spec).await;
    let status = bench.until_exited(&spec.id).await;
    assert_eq!(status.restarts, 1);
    assert_eq!(status.last_exit.expect("an exit").code, Some(0));
}

#[tokio::test]
async fn a_program_that_appears_later_is_started_by_the_policy() {
    let bench = Bench::new();
    let mut spec = bench.sh("");
    let program = bench.root.path().join("later");
    spec.run = bench.program(&program.to_string_lossy());
    spec.restart = Some(quick_restart());
    bench.start(&spec).await;
    bench.until(&spec.id, |status| status.restarts > 0).await;
    let temp = bench.root.path().join("temp");
    std::fs::write(&temp, "#!/bin/sh\nexec sleep 1000\n").expect("a write");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&temp, mode).expect("a mode");
    std::fs::rename(temp, program).expect("a rename");
    bench.until(&spec.id, is_running).await;
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}
