//! Processes and containers as one runtime.

use std::path::PathBuf;

use landfall_model::InstanceId;
use landfall_runtime::docker::{DockerRuntime, DockerRuntimeOptions};
use landfall_runtime::process::{ProcessRuntime, ProcessRuntimeOptions};
use landfall_runtime::{InstanceState, RunSpec, Runtime, RuntimeError, Runtimes};

use crate::bench::{Bench, env, eventually, run, unique, within};

/// The example `landfall-shim`, which `cargo test` builds besides this test.
fn shim() -> String {
    let own = std::env::current_exe().expect("own path");
    let profile = own.ancestors().nth(2).expect("a target directory");
    profile
        .join("examples/landfall-shim")
        .to_string_lossy()
        .into_owned()
}

fn processes(root: PathBuf) -> ProcessRuntime {
    ProcessRuntime::new(ProcessRuntimeOptions {
        instances_dir: root.join("instances"),
        shim: vec![shim()],
    })
}

#[tokio::test]
async fn each_instance_is_kept_by_what_it_is() {
    let bench = Bench::new();
    let root = bench.root.path().to_owned();
    let both = Runtimes::new(processes(root.clone()), Some(bench.another_runtime()));
    let container = bench.service("echo in a container; exec sleep 1000");
    let mut process = bench.sh("");
    process.run = RunSpec::Process {
        argv: vec!["/bin/sleep".into(), "1000".into()],
        dir: root,
        user: None,
    };
    for spec in [&container, &process] {
        within(both.start(spec, &env(&[]))).await.expect("a start");
    }
    assert_eq!(both.list().await.expect("a list").len(), 2);
    assert!(both.docker().expect("one").keeps(&container.id));
    assert!(!both.docker().expect("one").keeps(&process.id));
    for spec in [&container, &process] {
        assert_eq!(both.status(&spec.id).await.expect("a status").spec, *spec);
        within(both.stop(&spec.id, &spec.stop))
            .await
            .expect("a stop");
        let state = both.status(&spec.id).await.expect("a status").state;
        assert_eq!(state, InstanceState::Exited);
        both.remove(&spec.id).await.expect("a removal");
    }
    assert!(both.list().await.expect("a list").is_empty());
}

#[tokio::test]
async fn processes_do_not_miss_an_engine_that_is_not_there() {
    let bench = Bench::new();
    let root = bench.root.path().to_owned();
    let nowhere = DockerRuntime::new(DockerRuntimeOptions {
        socket: root.join("no-socket"),
        home: unique("home"),
        records_dir: root.join("containers"),
    });
    let both = Runtimes::new(processes(root.clone()), Some(nowhere));
    let mut process = bench.sh("");
    process.run = RunSpec::Process {
        argv: vec!["/bin/sleep".into(), "1000".into()],
        dir: root.clone(),
        user: None,
    };
    within(both.start(&process, &env(&[])))
        .await
        .expect("a start");
    let unknown: InstanceId = unique("test").parse().expect("an id");
    both.stop(&unknown, &process.stop)
        .await
        .expect("nothing to do");
    let error = both
        .start(&bench.sh(""), &env(&[]))
        .await
        .expect_err("a silence");
    assert!(matches!(error, RuntimeError::EngineDown { .. }), "{error}");
    // One that is recorded stays in the list, and says why nothing is known of it.
    let recorded = bench.service("exec sleep 1000");
    bench.start(&recorded).await;
    let all = both.list().await.expect("a list");
    assert_eq!(all.len(), 2);
    let lost = all.iter().find(|status| status.spec.id == recorded.id);
    let lost = lost.expect("the recorded one");
    assert_eq!(lost.state, InstanceState::Lost);
    assert!(lost.notes[0].contains("does not answer"), "{lost:?}");
    within(both.stop(&process.id, &process.stop))
        .await
        .expect("a stop");
    eventually("its end", async || {
        let status = both.status(&process.id).await.ok()?;
        (status.state == InstanceState::Exited).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_container_without_an_engine_set_up_is_refused() {
    let bench = Bench::new();
    let both = Runtimes::new(processes(bench.root.path().to_owned()), None);
    let mut spec = bench.sh("true");
    run(&mut spec).tty = true;
    let error = both.start(&spec, &env(&[])).await.expect_err("a refusal");
    assert!(matches!(error, RuntimeError::NoEngine { .. }), "{error}");
}
