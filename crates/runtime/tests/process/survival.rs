//! Deaths: of the agent, of the shim.

use std::process::{Command, Stdio};

use landfall_runtime::{InstanceState, Runtime, RuntimeError, Stream};

use crate::bench::{
    Bench, env, eventually, is_alive, is_running, kill, pid, runtime_at, shim_program, until_dead,
    within,
};

#[tokio::test]
async fn b8_an_instance_outlives_whoever_started_it_and_its_whole_group() {
    let bench = Bench::new();
    let spec = bench.sh("echo up; while :; do echo tick; sleep 0.05; done");
    let dir = bench.dir(&spec.id);
    std::fs::create_dir_all(&dir).expect("a directory");
    let json = serde_json::to_vec(&spec).expect("json");
    std::fs::write(dir.join("spec.json"), json).expect("a write");
    // Stands in for the agent: starts the shim, and is killed with its whole process group.
    let mut command = Command::new("/bin/sh");
    command
        .args([
            "-c",
            "echo '{\"PATH\":\"/usr/bin:/bin\"}' | \"$0\" --dir \"$1\"; echo up; exec sleep 1000",
        ])
        .arg(shim_program())
        .arg(&dir)
        .stdout(Stdio::piped());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut agent = command.spawn().expect("an agent");
    let mut said = [0; 3];
    std::io::Read::read_exact(agent.stdout.as_mut().expect("stdout"), &mut said).expect("a word");
    let group = rustix::process::Pid::from_child(&agent);
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).expect("a kill");
    agent.wait().expect("an end");

    let app = pid(&bench.status(&spec.id).await);
    let before = bench.texts(&spec.id, Stream::Stdout).await.len();
    eventually("more lines", async || {
        (bench.texts(&spec.id, Stream::Stdout).await.len() > before + 3).then_some(())
    })
    .await;
    assert!(is_alive(app));
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert!(!is_alive(app));
}

#[tokio::test]
async fn f1_a_killed_shim_is_told_of_its_processes_go_and_the_instance_starts_again() {
    let bench = Bench::new();
    let spec =
        bench.sh("setsid sleep 1000 & echo child $!; sh -c 'sleep 1000 & wait' & exec sleep 1000");
    bench.start(&spec).await;
    let child: i32 = bench.line(&spec.id, "child ").await.parse().expect("a pid");
    let status = bench.status(&spec.id).await;
    let app = pid(&status);
    let changed = bench.runtime.changed(&spec.id, status.seq);
    kill(bench.shim(&spec.id));
    let lost = within(changed).await.expect("a change");
    assert_eq!(lost.state, InstanceState::Lost);
    assert!(lost.seq > status.seq);
    assert!(!is_alive(app) && !is_alive(child), "something is left");
    assert_eq!(
        bench.status(&spec.id).await,
        lost,
        "it does not stay as told"
    );

    bench.start(&spec).await;
    let again = bench.status(&spec.id).await;
    assert!(is_running(&again) && pid(&again) != app && again.seq > lost.seq);
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn what_a_killed_shim_leaves_goes_without_a_cgroup_as_well() {
    let bench = Bench::new();
    // The daemon lost its parent, left the session and holds none of the output.
    let spec = bench.sh(
        "(setsid sh -c 'echo daemon $$; exec sleep 1000 >/dev/null 2>&1' &); echo worker $$; exec sleep 1000",
    );
    bench.start(&spec).await;
    let daemon: i32 = bench
        .line(&spec.id, "daemon ")
        .await
        .parse()
        .expect("a pid");
    let app = pid(&bench.status(&spec.id).await);
    let state = bench.dir(&spec.id).join("state.json");
    let mut record = eventually("the daemon to be recorded", async || {
        let record: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&state).ok()?).ok()?;
        let strays = record["strays"].as_array()?;
        strays
            .iter()
            .any(|stray| stray["pid"] == daemon)
            .then_some(record)
    })
    .await;
    let groups = record["cgroup"].take();
    kill(bench.shim(&spec.id));
    until_dead(bench.shim(&spec.id)).await;
    std::fs::write(&state, record.to_string()).expect("a write");
    assert_eq!(bench.status(&spec.id).await.state, InstanceState::Lost);
    assert!(!is_alive(app) && !is_alive(daemon), "something is left");
    for dir in groups["dirs"].as_array().into_iter().flatten() {
        let dir = dir.as_str().expect("a path").to_owned();
        eventually("an empty group", async || std::fs::remove_dir(&dir).ok()).await;
    }
}

#[tokio::test]
async fn a_stale_record_kills_no_stranger() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    let mut stranger = Command::new("sleep")
        .arg("1000")
        .spawn()
        .expect("a stranger");
    // As if the shim had been killed long ago and the app's id been given out again since.
    let state = bench.dir(&spec.id).join("state.json");
    let mut record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&state).expect("a record")).expect("json");
    record["app"] = record["shim"].clone();
    record["app"]["pid"] = stranger.id().into();
    record["strays"] = serde_json::json!([record["app"]]);
    record["status"]["state"] = serde_json::json!({ "state": "running", "pid": stranger.id(),
        "since": "2026-01-01T00:00:00Z" });
    std::fs::write(&state, record.to_string()).expect("a write");
    assert_eq!(bench.status(&spec.id).await.state, InstanceState::Lost);
    assert!(
        stranger.try_wait().expect("a look").is_none(),
        "the stranger was killed"
    );
    stranger.kill().expect("a kill");
    stranger.wait().expect("an end");
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_named() {
    let bench = Bench::new();
    let file = bench.root.path().join("file");
    std::fs::write(&file, "").expect("a write");
    let spec = bench.sh("exec sleep 1000");
    let error = runtime_at(&file)
        .start(&spec, &env(&[]))
        .await
        .expect_err("a failure");
    assert!(matches!(error, RuntimeError::Start { .. }), "{error:?}");
    assert!(
        error.to_string().contains(&*file.to_string_lossy()),
        "{error}"
    );
}

#[tokio::test]
async fn a_signal_to_the_shim_stops_the_app_as_its_spec_says() {
    let bench = Bench::new();
    let spec = bench.sh("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done");
    bench.start(&spec).await;
    bench.line(&spec.id, "up").await;
    let shim = rustix::process::Pid::from_raw(bench.shim(&spec.id)).expect("a pid");
    rustix::process::kill_process(shim, rustix::process::Signal::TERM).expect("a signal");
    bench.until_exited(&spec.id).await;
    bench.line(&spec.id, "bye").await;
}

#[tokio::test]
async fn b7_what_landfall_s_own_processes_start_in_sessions_of_their_own_outlives_them() {
    let bench = Bench::new();
    // Like an agent: a build in its own session, and a shim that left it.
    let mut spec = bench.sh("sleep 1000 & echo build $!; setsid sleep 1001 & echo shim $!; wait");
    spec.owner = None;
    bench.start(&spec).await;
    let build: i32 = bench.line(&spec.id, "build ").await.parse().expect("a pid");
    let shim: i32 = bench.line(&spec.id, "shim ").await.parse().expect("a pid");
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert!(!is_alive(build), "what is in the session goes with it");
    let survived = is_alive(shim);
    kill(shim);
    assert!(survived, "what left the session stays");
}
