//! Starting, stopping, looking: what an instance is as a container.

use std::time::Duration;

use landfall_model::container::{MountSource, MountSpec};
use landfall_model::spec::Limits;
use landfall_model::{CommandSpec, InstanceId};
use landfall_runtime::{ExitReason, InstanceState, Runtime, RuntimeError, Stream};

use crate::bench::{Bench, PORT, env, eventually, get, is_alive, pid, run, stop, unique, within};

#[tokio::test]
async fn an_instance_is_started_once_and_stopped_once_however_often_it_is_asked() {
    let bench = Bench::new();
    let spec = bench.patient("echo up; trap 'exit 0' TERM; sleep 1000 & wait");
    bench.start(&spec).await;
    let first = pid(&bench.status(&spec.id).await);
    bench.start(&spec).await;
    assert_eq!(pid(&bench.status(&spec.id).await), first);
    bench.line(&spec.id, "up").await;
    bench.stop(&spec).await;
    bench.stop(&spec).await;
    let status = bench.status(&spec.id).await;
    assert_eq!(status.state, InstanceState::Exited);
    assert_eq!(
        status.last_exit.expect("an exit").reason,
        ExitReason::Stopped
    );
    assert_eq!(bench.texts(&spec.id, Stream::Stdout).await, ["up"]);
    bench.start(&spec).await;
    assert!(pid(&bench.until_running(&spec.id).await) != first);
    bench.stop(&spec).await;
    assert_eq!(bench.texts(&spec.id, Stream::Stdout).await, ["up", "up"]);
    bench.runtime.remove(&spec.id).await.expect("a removal");
    bench.runtime.remove(&spec.id).await.expect("a removal");
    let gone = bench.runtime.status(&spec.id).await;
    assert!(matches!(gone, Err(RuntimeError::NotFound(_))), "{gone:?}");
}

#[tokio::test]
async fn what_does_not_exist_is_stopped_and_removed_without_a_word() {
    let bench = Bench::new();
    let id: InstanceId = unique("test").parse().expect("an id");
    let stopped = bench.runtime.stop(&id, &stop(Duration::ZERO)).await;
    stopped.expect("a stop");
    bench.runtime.remove(&id).await.expect("a removal");
    assert!(bench.runtime.list().await.expect("a list").is_empty());
}

#[tokio::test]
async fn a_running_instance_is_not_removed() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let refused = bench.runtime.remove(&spec.id).await;
    let error = refused.expect_err("a refusal").to_string();
    assert!(error.contains("still running"), "{error}");
}

#[tokio::test]
async fn environment_and_port_reach_the_container_and_its_address_is_reached() {
    let bench = Bench::new();
    let spec = bench.service("echo $COLOR >/tmp/color; exec httpd -f -p $PORT -h /tmp");
    let environment = env(&[("COLOR", "dark green")]);
    within(bench.runtime.start(&spec, &environment))
        .await
        .expect("a start");
    let address = bench.runtime.address(&spec.id).await.expect("an answer");
    let address = address.expect("an address");
    let color = eventually("an answer", async || get(address, "/color").await).await;
    assert_eq!(color, "dark green");
    let listening = bench.runtime.listening(&spec.id).await.expect("addresses");
    assert!(
        listening.iter().any(|found| found.port() == PORT),
        "{listening:?}"
    );
    bench.stop(&spec).await;
    let address = bench.runtime.address(&spec.id).await.expect("an answer");
    assert_eq!(address, None);
    let listening = bench.runtime.listening(&spec.id).await.expect("addresses");
    assert!(listening.is_empty());
}

#[tokio::test]
async fn a_changed_environment_makes_the_container_anew() {
    let bench = Bench::new();
    let spec = bench.sh("echo color $COLOR");
    for color in ["red", "blue", "blue"] {
        let environment = env(&[("COLOR", color)]);
        let started = within(bench.runtime.start(&spec, &environment)).await;
        started.expect("a start");
        bench.until_exited(&spec.id).await;
    }
    let said = bench.texts(&spec.id, Stream::Stdout).await;
    assert_eq!(said, ["color blue", "color blue"]);
}

#[tokio::test]
async fn limits_arrive() {
    let bench = Bench::new();
    let mut spec = bench.sh("ulimit -n; exec sleep 1000");
    spec.limits = Limits {
        memory: Some(64 << 20),
        cpus: Some(0.5),
        pids: Some(50),
        open_files: Some(333),
    };
    bench.start(&spec).await;
    bench.line(&spec.id, "333").await;
    let host = &bench.inspect(&spec.id)["HostConfig"];
    assert_eq!(host["Memory"], 64 << 20);
    assert_eq!(host["MemorySwap"], 64 << 20);
    assert_eq!(host["NanoCpus"], 500_000_000);
    assert_eq!(host["PidsLimit"], 50);
    assert_eq!(
        host["LogConfig"]["Config"]["max-size"],
        (8 << 20).to_string()
    );
}

#[tokio::test]
async fn a_named_volume_survives_the_removal_of_its_instance() {
    let bench = Bench::new();
    let volume = unique("volume");
    let mut spec = bench.sh("cat /data/note 2>/dev/null || echo kept >/data/note");
    run(&mut spec).mounts = vec![MountSpec {
        target: "/data".to_owned(),
        source: MountSource::Volume {
            name: volume.clone(),
            external: false,
            no_copy: false,
            driver: None,
            driver_opts: Default::default(),
        },
        read_only: false,
    }];
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    bench.runtime.remove(&spec.id).await.expect("a removal");
    bench.start(&spec).await;
    bench.line(&spec.id, "kept").await;
    let label = "{{index .Labels \"dev.landfall.home\"}}";
    let home = bench.docker(&["volume", "inspect", "-f", label, &volume]);
    assert_eq!(home, bench.home);
}

#[tokio::test]
async fn a_command_beside_an_instance_has_the_given_environment_and_its_end_is_kept() {
    let bench = Bench::new();
    let mut spec = bench.sh("exec sleep 1000");
    run(&mut spec).working_dir = Some("/tmp".to_owned());
    bench.start(&spec).await;
    let exec = async |text: &str| {
        let command = CommandSpec::Shell(text.into());
        let environment = env(&[("COLOR", "green")]);
        within(bench.runtime.exec(&spec.id, &command, &environment)).await
    };
    let (code, output) = exec("pwd; echo $COLOR; echo oops >&2; exit 3")
        .await
        .expect("an outcome");
    assert_eq!(code, 3);
    for part in ["/tmp", "green", "oops"] {
        assert!(output.contains(part), "{output}");
    }
    let (code, output) = exec("seq 1 100000; echo end").await.expect("an outcome");
    assert_eq!(code, 0);
    assert!(
        output.len() <= 4096 && output.ends_with("100000\nend\n"),
        "{output}"
    );
    bench.stop(&spec).await;
    let error = exec("true").await.expect_err("a refusal").to_string();
    assert!(error.contains("is not running"), "{error}");
}

#[tokio::test]
async fn a_command_whose_answer_is_no_longer_wanted_is_killed_with_its_children() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let command = CommandSpec::Shell("sh -c 'exec sleep 4321' & wait".into());
    let environment = env(&[]);
    let sleeps = || {
        let all = std::fs::read_dir("/proc").expect("proc");
        let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let id = bench.inspect(&spec.id)["Id"].clone();
        let ours = |pid: &i32| {
            let read = |name| std::fs::read_to_string(format!("/proc/{pid}/{name}"));
            read("cmdline").is_ok_and(|line| line.contains("4321"))
                && read("cgroup").is_ok_and(|c| c.contains(id.as_str().expect("an id")))
        };
        pids.filter(ours).collect::<Vec<i32>>()
    };
    let found = tokio::select! {
        outcome = bench.runtime.exec(&spec.id, &command, &environment) => panic!("{outcome:?}"),
        pids = eventually("a command", async || Some(sleeps()).filter(|p| p.len() >= 2)) => pids,
    };
    for pid in found {
        eventually("its end", async || (!is_alive(pid)).then_some(())).await;
    }
}

#[tokio::test]
async fn an_agent_that_was_restarted_sees_the_same() {
    let bench = Bench::new();
    let running = bench.patient("echo hello; trap 'exit 143' TERM; sleep 1000 & wait");
    let ended = bench.sh("exit 7");
    bench.start(&running).await;
    bench.start(&ended).await;
    bench.until_exited(&ended.id).await;
    bench.line(&running.id, "hello").await;
    let other = bench.another_runtime();
    let mut all = other.list().await.expect("a list");
    all.sort_by_key(|status| status.spec.id != running.id);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].spec, running);
    assert_eq!(all[0].state, bench.status(&running.id).await.state);
    assert_eq!(all[1].last_exit, bench.status(&ended.id).await.last_exit);
    let address = other.address(&running.id).await.expect("an answer");
    assert_eq!(
        address,
        bench.runtime.address(&running.id).await.expect("one")
    );
    within(other.stop(&running.id, &running.stop))
        .await
        .expect("a stop");
    let status = bench.until_exited(&running.id).await;
    // The mark on the container tells it to whoever did not do it.
    assert_eq!(
        status.last_exit.expect("an exit").reason,
        ExitReason::Stopped
    );
}
