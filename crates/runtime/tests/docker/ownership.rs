//! What is not this Landfall's is left alone.

use std::time::Duration;

use landfall_model::InstanceId;
use landfall_runtime::docker::{DockerRuntime, DockerRuntimeOptions};
use landfall_runtime::{InstanceState, Runtime, RuntimeError};

use crate::bench::{Bench, container, env, stop, unique};
use crate::engine_fixture::IMAGE;

#[tokio::test]
async fn a_foreign_container_with_the_name_of_an_instance_is_never_touched() {
    let bench = Bench::new();
    let mut spec = bench.sh("true");
    spec.id = unique("test").parse().expect("an id");
    let name = container(&spec.id);
    bench.docker(&[
        "run",
        "-d",
        "--name",
        &name,
        "--network",
        "none",
        IMAGE,
        "sleep",
        "1000",
    ]);
    let error = bench
        .runtime
        .start(&spec, &env(&[]))
        .await
        .expect_err("a refusal");
    assert!(
        matches!(
            error,
            RuntimeError::Foreign {
                kind: "container",
                ..
            }
        ),
        "{error}"
    );
    bench
        .runtime
        .stop(&spec.id, &stop(Duration::ZERO))
        .await
        .expect("nothing to do");
    bench.runtime.remove(&spec.id).await.expect("nothing to do");
    assert!(bench.runtime.list().await.expect("a list").is_empty());
    let running = bench.docker(&["inspect", "-f", "{{.State.Running}}", &name]);
    assert_eq!(running, "true");
    bench.docker(&["rm", "-f", &name]);
}

#[tokio::test]
async fn two_landfalls_on_one_engine_do_not_see_each_other() {
    let (one, two) = (Bench::new(), Bench::new());
    let (spec, other) = (one.service("exec sleep 1000"), two.sh("exec sleep 1000"));
    one.start(&spec).await;
    two.start(&other).await;
    let ids = |statuses: Vec<landfall_runtime::InstanceStatus>| -> Vec<InstanceId> {
        statuses.into_iter().map(|status| status.spec.id).collect()
    };
    assert_eq!(
        ids(one.runtime.list().await.expect("a list")),
        std::slice::from_ref(&spec.id)
    );
    assert_eq!(
        ids(two.runtime.list().await.expect("a list")),
        std::slice::from_ref(&other.id)
    );
    let seen = two.runtime.status(&spec.id).await;
    assert!(matches!(seen, Err(RuntimeError::NotFound(_))), "{seen:?}");
    two.runtime
        .stop(&spec.id, &stop(Duration::ZERO))
        .await
        .expect("nothing to do");
    two.runtime.remove(&spec.id).await.expect("nothing to do");
    let error = two
        .runtime
        .start(&spec, &env(&[]))
        .await
        .expect_err("a refusal");
    assert!(matches!(error, RuntimeError::Foreign { .. }), "{error}");
    let state = one.status(&spec.id).await.state;
    assert!(matches!(state, InstanceState::Running { .. }), "{state:?}");
}

#[tokio::test]
async fn nothing_of_the_environment_is_in_the_labels() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    let environment = env(&[("PASSWORD", "hunter2")]);
    bench
        .runtime
        .start(&spec, &environment)
        .await
        .expect("a start");
    let labels = bench.inspect(&spec.id)["Config"]["Labels"].to_string();
    assert!(labels.contains("dev.landfall.spec") && labels.contains("dev.landfall.app"));
    assert!(!labels.contains("hunter2"), "{labels}");
}

#[tokio::test]
async fn without_an_instance_no_engine_is_asked() {
    let root = tempfile::tempdir().expect("a directory");
    let runtime = DockerRuntime::new(DockerRuntimeOptions {
        socket: root.path().join("no-socket"),
        home: unique("home"),
        records_dir: root.path().join("containers"),
    });
    assert!(runtime.list().await.expect("a list").is_empty());
    let id: InstanceId = unique("test").parse().expect("an id");
    let error = runtime.status(&id).await.expect_err("no engine");
    let text = error.to_string();
    assert!(matches!(error, RuntimeError::EngineDown { .. }), "{text}");
    assert!(
        text.contains("no-socket") && text.contains("systemctl start docker"),
        "{text}"
    );
}
