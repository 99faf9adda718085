//! Looking at an instance: changes, addresses, commands beside it.

use std::net::{Ipv4Addr, SocketAddr};

use landfall_model::{CommandSpec, InstanceId};
use landfall_runtime::{ExitReason, Runtime, RuntimeError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::bench::{Bench, env, eventually, is_alive, is_running, pid, until_dead, within};

#[tokio::test]
async fn addresses_on_which_a_child_listens_are_found() {
    let bench = Bench::new();
    let spec = bench.sh(
        "python3 -c 'import socket, time
s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen(); print(\"port\", s.getsockname()[1], flush=True); time.sleep(1000)' & wait",
    );
    bench.start(&spec).await;
    let port: u16 = bench.line(&spec.id, "port ").await.parse().expect("a port");
    let listening = bench.runtime.listening(&spec.id).await.expect("addresses");
    assert_eq!(listening, [SocketAddr::from((Ipv4Addr::LOCALHOST, port))]);
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert!(
        bench
            .runtime
            .listening(&spec.id)
            .await
            .expect("addresses")
            .is_empty()
    );
}

#[tokio::test]
async fn a_port_is_reached_on_loopback_and_there_is_none_without_one() {
    let bench = Bench::new();
    let mut spec = bench.sh("exec sleep 1000");
    spec.port = Some(4321);
    bench.start(&spec).await;
    let address = bench.runtime.address(&spec.id).await.expect("an answer");
    assert_eq!(address, Some((Ipv4Addr::LOCALHOST, 4321).into()));
    let task = bench.sh("exec sleep 1000");
    bench.start(&task).await;
    let address = bench.runtime.address(&task.id).await.expect("an answer");
    assert_eq!(address, None);
}

#[tokio::test]
async fn a_command_beside_an_instance_has_its_directory_and_the_given_environment() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let command = CommandSpec::Shell("pwd; echo $COLOR; echo oops >&2; exit 3".into());
    let outcome = bench
        .runtime
        .exec(&spec.id, &command, &env(&[("COLOR", "green")]))
        .await;
    let (code, output) = outcome.expect("an outcome");
    assert_eq!(code, 3);
    for part in [&*bench.root.path().to_string_lossy(), "green", "oops"] {
        assert!(output.contains(part), "{output}");
    }
    let command = CommandSpec::Shell("seq 1 100000; echo end".into());
    let (_, output) = bench
        .runtime
        .exec(&spec.id, &command, &env(&[]))
        .await
        .expect("an outcome");
    assert!(output.len() <= 4096 && output.ends_with("100000\nend\n"));
    let command = CommandSpec::Argv(vec!["/no/such/program".into()]);
    let error = bench
        .runtime
        .exec(&spec.id, &command, &env(&[]))
        .await
        .expect_err("a failure");
    assert!(matches!(error, RuntimeError::Io { .. }));
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn a_command_whose_answer_is_no_longer_wanted_is_killed_with_its_children() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let file = bench.root.path().join("pid");
    let text = "sh -c 'echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 1000' & wait";
    let command = CommandSpec::Shell(text.into());
    let environment = env(&[]);
    let pid = tokio::select! {
        outcome = bench.runtime.exec(&spec.id, &command, &environment) => panic!("{outcome:?}"),
        pid = eventually("a pid", async || std::fs::read_to_string(&file).ok()?.trim().parse().ok()) => pid,
    };
    until_dead(pid).await;
    assert!(!is_alive(pid));
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn an_instance_that_does_not_change_is_waited_for() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let status = bench.status(&spec.id).await;
    let (changed, stopped) = within(async {
        tokio::join!(
            bench.runtime.changed(&spec.id, status.seq),
            bench.runtime.stop(&spec.id, &spec.stop),
        )
    })
    .await;
    stopped.expect("a stop");
    assert!(changed.expect("a change").seq > status.seq);
}

/// Says something to a shim and gives its answers.
async fn say(bench: &Bench, id: &InstanceId, text: &[u8]) -> Vec<String> {
    let dir = std::fs::File::open(bench.dir(id)).expect("a directory");
    let fd = std::os::fd::AsRawFd::as_raw_fd(&dir);
    let path = format!("/proc/self/fd/{fd}/control.sock");
    let stream = UnixStream::connect(path).await.expect("a connection");
    let (from, mut to) = stream.into_split();
    let _ = to.write_all(text).await;
    let _ = to.shutdown().await;
    let mut lines = Vec::new();
    let mut from = BufReader::new(from).lines();
    while let Ok(Some(line)) = from.next_line().await {
        lines.push(line);
    }
    lines
}

#[tokio::test]
async fn the_app_is_restarted_by_request_and_junk_is_refused() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let first = pid(&bench.status(&spec.id).await);
    let answers = within(say(
        &bench,
        &spec.id,
        b"junk\n{\"op\":\"none\"}\n{\"op\":\"status\"}\n",
    ))
    .await;
    let kinds: Vec<bool> = answers
        .iter()
        .map(|line| line.starts_with("{\"error\""))
        .collect();
    assert_eq!(kinds, [true, true, false], "{answers:?}");
    let answers = within(say(&bench, &spec.id, &[b'x'; 100_000])).await;
    assert!(answers.is_empty(), "{answers:?}");

    within(say(&bench, &spec.id, b"{\"op\":\"restart\"}\n")).await;
    let status = bench
        .until(&spec.id, |status| {
            is_running(status) && pid(status) != first
        })
        .await;
    assert!(!is_alive(first));
    assert_eq!(
        status.last_exit.expect("an exit").reason,
        ExitReason::Stopped
    );
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}
