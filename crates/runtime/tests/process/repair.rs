//! Files that someone removes or breaks.

use landfall_runtime::{InstanceState, Runtime};

use crate::bench::{Bench, eventually, is_alive, is_running, kill, pid, until_dead, within};

#[tokio::test]
async fn f1_whatever_file_of_a_running_instance_is_removed_comes_back() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let app = pid(&bench.status(&spec.id).await);
    for name in ["control.sock", "state.json", "spec.json"] {
        let path = bench.dir(&spec.id).join(name);
        std::fs::remove_file(&path).expect("a removal");
        // Never unknown, never doubled, while it is being put back.
        assert!(is_running(&bench.status(&spec.id).await), "without {name}");
        assert_eq!(
            bench.runtime.list().await.expect("a list").len(),
            1,
            "without {name}"
        );
        bench.start(&spec).await;
        eventually(name, async || path.exists().then_some(())).await;
    }
    assert_eq!(pid(&bench.status(&spec.id).await), app);
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert!(!is_alive(app));
}

#[tokio::test]
async fn f1_a_removed_directory_comes_back_with_everything_in_it() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let app = pid(&bench.status(&spec.id).await);
    std::fs::remove_dir_all(bench.dir(&spec.id)).expect("a removal");
    // Neither doubled nor unknown, at no moment.
    bench.start(&spec).await;
    let list = bench.runtime.list().await.expect("a list");
    assert!(list.len() == 1 && is_running(&list[0]), "{list:?}");
    std::fs::remove_dir_all(bench.dir(&spec.id)).expect("a removal");
    let list = bench.runtime.list().await.expect("a list");
    assert!(list.len() == 1 && is_running(&list[0]), "{list:?}");
    assert_eq!(pid(&bench.status(&spec.id).await), app);
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert!(!is_alive(app));
}

#[tokio::test]
async fn garbage_in_the_record_of_a_running_instance_is_put_right() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let state = bench.dir(&spec.id).join("state.json");
    std::fs::write(&state, "{ \"format\": 1, garb").expect("a write");
    assert!(is_running(&bench.status(&spec.id).await));
    eventually("a good record", async || {
        serde_json::from_slice::<serde_json::Value>(&std::fs::read(&state).ok()?).ok()
    })
    .await;
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn an_ended_instance_without_its_record_is_still_told_of() {
    let bench = Bench::new();
    let spec = bench.sh("exit 4");
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    std::fs::remove_file(bench.dir(&spec.id).join("state.json")).expect("a removal");
    let status = bench.status(&spec.id).await;
    assert_eq!(status.state, InstanceState::Exited);
    assert_eq!(status.last_exit.expect("an exit").code, Some(4));
}

#[tokio::test]
async fn foreign_and_broken_directories_do_not_spoil_the_list() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let instances = bench.dir(&spec.id).parent().expect("a parent").to_owned();
    std::fs::create_dir(instances.join("empty")).expect("a directory");
    std::fs::create_dir(instances.join(".hidden")).expect("a directory");
    std::fs::write(instances.join("file"), "junk").expect("a file");
    std::fs::create_dir(instances.join("broken")).expect("a directory");
    std::fs::write(instances.join("broken/spec.json"), [0xff, 0]).expect("a file");
    std::fs::write(instances.join("broken/state.json"), "null").expect("a file");
    let list = bench.runtime.list().await.expect("a list");
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].spec.id, spec.id);
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    // What is broken can still be stopped, started anew and removed.
    let broken = "broken".parse().expect("an id");
    bench
        .runtime
        .stop(&broken, &spec.stop)
        .await
        .expect("a stop");
    bench.runtime.remove(&broken).await.expect("a removal");
    assert!(!instances.join("broken").exists());
}

#[tokio::test]
async fn paths_longer_than_a_socket_address_work() {
    let bench = Bench::below("long/".repeat(60));
    let spec = bench.sh("exec sleep 1000");
    assert!(bench.dir(&spec.id).as_os_str().len() > 300);
    bench.start(&spec).await;
    let app = pid(&bench.status(&spec.id).await);
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert!(!is_alive(app));
}

#[tokio::test]
async fn an_instance_whose_shim_and_record_are_gone_can_be_replaced() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let shim = bench.shim(&spec.id);
    let app = pid(&bench.status(&spec.id).await);
    kill(shim);
    until_dead(shim).await;
    let state = bench.dir(&spec.id).join("state.json");
    let record = std::fs::read(&state).expect("a record");
    std::fs::write(&state, "").expect("a write");
    assert_eq!(bench.status(&spec.id).await.state, InstanceState::Lost);
    std::fs::write(&state, record).expect("a write");
    bench.start(&spec).await;
    assert!(!is_alive(app), "it runs twice");
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn of_two_shims_the_one_whose_directory_was_taken_away_makes_way() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let (shim, app) = (bench.shim(&spec.id), pid(&bench.status(&spec.id).await));
    // Moved away, so that the first does not make it again before the second has it.
    let dir = bench.dir(&spec.id);
    let record = std::fs::read(dir.join("state.json")).expect("a record");
    let mut record: serde_json::Value = serde_json::from_slice(&record).expect("json");
    record["status"]["state"] = serde_json::json!({ "state": "exited" });
    std::fs::rename(&dir, bench.root.path().join("moved")).expect("a move");
    std::fs::create_dir(&dir).expect("a directory");
    std::fs::write(dir.join("state.json"), record.to_string()).expect("a write");
    bench.start(&spec).await;
    let second = pid(&bench.status(&spec.id).await);
    if second != app {
        until_dead(shim).await;
        assert!(!is_alive(app), "it runs twice");
        assert!(is_alive(second), "the wrong one made way");
    }
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert!(!is_alive(app) && !is_alive(second));
}
