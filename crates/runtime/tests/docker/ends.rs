//! How containers end, and what is told of it.

use std::time::Duration;

use landfall_model::container::{Protocol, PublishedPort};
use landfall_runtime::{ExitReason, InstanceState, LogQuery, Runtime, RuntimeError};

use crate::bench::{Bench, container, env, kill, pid, run, stop, unique, within};
use crate::engine_fixture::{DockerEngine, IMAGE};

#[tokio::test]
async fn an_exit_at_the_start_has_its_code_and_its_last_lines() {
    let bench = Bench::new();
    let spec = bench.sh("echo starting; echo no database >&2; exit 3");
    bench.start(&spec).await;
    let exit = bench
        .until_exited(&spec.id)
        .await
        .last_exit
        .expect("an exit");
    assert_eq!((exit.code, exit.signal), (Some(3), None));
    assert_eq!(exit.reason, ExitReason::Itself);
    let query = LogQuery {
        tail: Some(1),
        since: None,
    };
    let lines = bench.runtime.logs(&spec.id, &query).await.expect("a log");
    assert_eq!(lines.len(), 1);
}

#[tokio::test]
async fn a_kill_for_memory_is_told_apart() {
    let bench = Bench::new();
    let mut spec = bench.sh("x=aaaaaaaa; while :; do x=$x$x; done");
    spec.limits.memory = Some(16 << 20);
    bench.start(&spec).await;
    let exit = bench
        .until_exited(&spec.id)
        .await
        .last_exit
        .expect("an exit");
    assert_eq!(
        (exit.signal, exit.reason),
        (Some(9), ExitReason::OutOfMemory)
    );
}

#[tokio::test]
async fn a_kill_by_someone_else_is_told_apart_and_the_engine_starts_it_again() {
    let bench = Bench::new();
    let spec = bench.service("exec sleep 1000");
    bench.start(&spec).await;
    let first = pid(&bench.until_running(&spec.id).await);
    kill(first);
    let status = bench
        .until(&spec.id, |status| {
            status.restarts == 1 && matches!(status.state, InstanceState::Running { .. })
        })
        .await;
    assert!(pid(&status) != first);
    let status = bench
        .until(&spec.id, |status| status.last_exit.is_some())
        .await;
    let exit = status.last_exit.expect("an exit");
    assert_eq!(
        (exit.signal, exit.reason),
        (Some(9), ExitReason::KilledByOther)
    );
    bench.docker(&["kill", "--signal", "KILL", &container(&spec.id)]);
    let exit = bench
        .until_exited(&spec.id)
        .await
        .last_exit
        .expect("an exit");
    assert_eq!(exit.reason, ExitReason::KilledByOther);
}

#[tokio::test]
async fn what_does_not_stop_in_its_time_is_killed_and_called_so() {
    let bench = Bench::new();
    let mut spec = bench.service("trap '' TERM; echo deaf; exec sleep 1000");
    spec.stop = stop(Duration::from_millis(300));
    bench.start(&spec).await;
    bench.line(&spec.id, "deaf").await;
    bench.stop(&spec).await;
    let status = bench.status(&spec.id).await;
    assert_eq!(status.state, InstanceState::Exited);
    let exit = status.last_exit.expect("an exit");
    assert_eq!(exit.reason, ExitReason::StopTimedOut);
    let seen_anew = bench.another_runtime().status(&spec.id).await;
    assert_eq!(seen_anew.expect("a status").last_exit, Some(exit));
}

#[tokio::test]
async fn it_is_stopped_with_the_signal_that_is_asked_for() {
    let bench = Bench::new();
    let spec = bench.service("trap 'echo quit; exit 0' QUIT; echo up; sleep 1000 & wait");
    bench.start(&spec).await;
    bench.line(&spec.id, "up").await;
    let mut quit = stop(Duration::from_secs(20));
    quit.signal = "SIGQUIT".to_owned();
    within(bench.runtime.stop(&spec.id, &quit))
        .await
        .expect("a stop");
    bench.line(&spec.id, "quit").await;
    let exit = bench.status(&spec.id).await.last_exit.expect("an exit");
    assert_eq!((exit.code, exit.reason), (Some(0), ExitReason::Stopped));
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_said_to_be_missing() {
    let bench = Bench::new();
    let mut spec = bench.sh("");
    run(&mut spec).entrypoint = Some(vec!["/no/such/program".to_owned()]);
    let error = bench.runtime.start(&spec, &env(&[])).await;
    let error = error.expect_err("a refusal").to_string();
    assert!(error.contains("/no/such/program"), "{error}");
    let exit = bench.status(&spec.id).await.last_exit.expect("an exit");
    assert_eq!(exit.reason, ExitReason::CouldNotStart);
}

#[tokio::test]
async fn a_missing_image_is_said_to_be_missing_and_nothing_is_made() {
    let bench = Bench::new();
    let mut spec = bench.sh("true");
    run(&mut spec).image = "no/such/image:1".to_owned();
    let error = bench
        .runtime
        .start(&spec, &env(&[]))
        .await
        .expect_err("a refusal");
    assert!(
        matches!(error, RuntimeError::ImageMissing { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("build it or load it"), "{error}");
    assert!(bench.runtime.list().await.expect("a list").is_empty());
    let image = bench.runtime.image_digest("no/such/image:1").await;
    assert_eq!(image.expect("an answer"), None);
}

#[tokio::test]
async fn an_image_stays_for_as_long_as_a_container_has_it_that_ended() {
    let bench = Bench::new();
    let dir = tempfile::tempdir().expect("a directory");
    let prefix = format!("{}/", unique("images"));
    let name = format!("{prefix}shop/web:1");
    let text = format!("FROM {IMAGE}\nLABEL name={name}\n");
    std::fs::write(dir.path().join("Dockerfile"), text).expect("a Dockerfile");
    let id = DockerEngine::shared().build(dir.path());
    bench.docker(&["tag", &id, &name]);
    let mut spec = bench.sh("exit 3");
    run(&mut spec).image = id;
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    let named = async || bench.runtime.images_named(&prefix).await.expect("a list");
    let unname = async || bench.runtime.unname_image(&name).await;
    unname().await.expect("nothing to be done yet");
    assert_eq!(named().await.len(), 1);
    bench.runtime.remove(&spec.id).await.expect("a removal");
    unname().await.expect("a removal");
    assert_eq!(named().await, []);
}

#[tokio::test]
async fn a_container_that_was_removed_by_hand_is_lost_and_can_be_started_again() {
    let bench = Bench::new();
    let spec = bench.service("exec sleep 1000");
    bench.start(&spec).await;
    let before = bench.until_running(&spec.id).await;
    bench.docker(&["rm", "-f", &container(&spec.id)]);
    let lost = bench
        .until(&spec.id, |status| status.state == InstanceState::Lost)
        .await;
    assert!(lost.seq > before.seq);
    assert!(
        lost.notes[0].contains("removed by someone else"),
        "{lost:?}"
    );
    let seen_anew = bench.another_runtime().status(&spec.id).await;
    assert_eq!(seen_anew.expect("a status").state, InstanceState::Lost);
    let error = bench.runtime.logs(&spec.id, &LogQuery::default()).await;
    let error = error.expect_err("a refusal");
    assert!(
        matches!(error, RuntimeError::ContainerRemoved { .. }),
        "{error}"
    );
    bench.stop(&spec).await;
    bench.start(&spec).await;
    let again = bench.until_running(&spec.id).await;
    assert!(again.seq > lost.seq);
}

#[tokio::test]
async fn what_the_engine_refuses_leaves_nothing_behind() {
    let bench = Bench::new();
    let mut spec = bench.service("true");
    run(&mut spec).runtime = Some("no-such-runtime".to_owned());
    let error = bench.runtime.start(&spec, &env(&[])).await;
    let error = error.expect_err("a refusal").to_string();
    assert!(error.contains("no-such-runtime"), "{error}");
    let status = bench.runtime.status(&spec.id).await;
    assert!(
        matches!(status, Err(RuntimeError::NotFound(_))),
        "{status:?}"
    );
    assert!(!bench.runtime.keeps(&spec.id));
}

#[tokio::test]
async fn a_port_of_the_host_that_is_taken_is_named() {
    let bench = Bench::new();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = holder.local_addr().expect("an address");
    let mut spec = bench.service("exec sleep 1000");
    run(&mut spec).ports = vec![PublishedPort {
        host_ip: Some(taken.ip()),
        host_port: Some(taken.port()),
        container_port: 80,
        protocol: Protocol::Tcp,
    }];
    let error = bench.runtime.start(&spec, &env(&[])).await;
    let error = error.expect_err("a refusal").to_string();
    assert!(error.contains(&taken.port().to_string()), "{error}");
    drop(holder);
    bench.start(&spec).await;
    bench.until_running(&spec.id).await;
}
