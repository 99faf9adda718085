//! What the engine does when a container ends by itself, and what is told of it.

use std::time::Duration;

use landfall_model::spec::RestartSpec;
use landfall_runtime::{ExitReason, InstanceState};

use crate::bench::Bench;

#[tokio::test]
async fn a_service_is_left_to_the_engine_and_a_task_runs_once() {
    let bench = Bench::new();
    let (service, task) = (bench.service("exec sleep 1000"), bench.sh("exit 0"));
    bench.start(&service).await;
    bench.start(&task).await;
    let policy = |id| bench.inspect(id)["HostConfig"]["RestartPolicy"]["Name"].clone();
    assert_eq!(policy(&service.id), "unless-stopped");
    assert_eq!(policy(&task.id), "no");
    let status = bench.until_exited(&task.id).await;
    assert_eq!(
        (status.restarts, status.last_exit.expect("an exit").code),
        (0, Some(0))
    );
    bench.stop(&service).await;
    // Not even a start of the engine brings back what was stopped.
    assert_eq!(policy(&service.id), "no");
    bench.start(&service).await;
    assert_eq!(policy(&service.id), "unless-stopped");
}

#[tokio::test]
async fn what_exits_again_and_again_backs_off_and_is_called_a_crash_loop() {
    let bench = Bench::new();
    let mut spec = bench.service("echo try; exit 9");
    spec.restart = Some(RestartSpec {
        crash_loop_exits: 3,
        crash_loop_window: Duration::from_secs(50),
        ..RestartSpec::default()
    });
    bench.start(&spec).await;
    let is_looping = |state: &InstanceState| matches!(state, InstanceState::CrashLooping { .. });
    let status = bench
        .until(&spec.id, |status| is_looping(&status.state))
        .await;
    assert!(status.restarts >= 2, "{status:?}");
    let exit = status.last_exit.expect("an exit");
    assert_eq!((exit.code, exit.reason), (Some(9), ExitReason::Itself));
    let again = bench
        .until(&spec.id, |now| now.restarts > status.restarts)
        .await;
    assert!(again.seq > status.seq);
    bench.stop(&spec).await;
    let status = bench.status(&spec.id).await;
    assert_eq!(status.state, InstanceState::Exited);
    assert_eq!(status.last_exit.expect("an exit").code, Some(9));
}
