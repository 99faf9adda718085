//! Limits, where the machine lets this user set them; a plain word where it does not.

use landfall_runtime::{ExitReason, InstanceStatus, LogSpec, Runtime, Stream};

use crate::bench::{Bench, eventually, within};

/// Whether the limit is enforced. Where it is not, the status and the log must say so.
async fn is_enforced(bench: &Bench, status: &InstanceStatus, limit: &str) -> bool {
    let sentence = format!("{limit} is not enforced: ");
    let Some(note) = status.notes.iter().find(|note| note.starts_with(&sentence)) else {
        return true;
    };
    assert!(
        bench
            .texts(&status.spec.id, Stream::Landfall)
            .await
            .contains(note)
    );
    false
}

#[tokio::test]
async fn f1_a_program_killed_for_memory_is_told_apart() {
    let bench = Bench::new();
    // The shell itself holds what it reads.
    let mut spec = bench.sh("x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo ${#x}");
    spec.limits.memory = Some(24 << 20);
    bench.start(&spec).await;
    let status = bench.until_exited(&spec.id).await;
    let exit = status.last_exit.clone().expect("an exit");
    if is_enforced(&bench, &status, "memory limit").await {
        assert_eq!(
            (exit.signal, exit.reason),
            (Some(9), ExitReason::OutOfMemory)
        );
    } else {
        assert_eq!(exit.code, Some(0));
    }
}

#[tokio::test]
async fn a_program_cannot_have_more_processes_than_its_limit() {
    let bench = Bench::new();
    let mut spec = bench.sh("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 5 & done; echo all; wait");
    spec.limits.pids = Some(4);
    bench.start(&spec).await;
    let status = bench.until_exited(&spec.id).await;
    if is_enforced(&bench, &status, "process limit").await {
        let said = bench.texts(&spec.id, Stream::Stderr).await.join("\n");
        assert!(said.contains("fork"), "{said}");
    }
}

#[tokio::test]
async fn a_program_cannot_open_more_files_than_its_limit() {
    let bench = Bench::new();
    let mut spec = bench.sh("ulimit -n");
    spec.limits.open_files = Some(77);
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    assert_eq!(bench.texts(&spec.id, Stream::Stdout).await, ["77"]);
}

#[tokio::test]
async fn a_cpu_limit_is_set_and_no_group_is_left_at_the_end() {
    let bench = Bench::new();
    let mut spec = bench.sh("exec sleep 1000");
    spec.limits.cpus = Some(0.5);
    bench.start(&spec).await;
    let status = bench.status(&spec.id).await;
    let state = std::fs::read(bench.dir(&spec.id).join("state.json")).expect("a record");
    let record: serde_json::Value = serde_json::from_slice(&state).expect("json");
    let dirs: Vec<String> =
        serde_json::from_value(record["cgroup"]["dirs"].clone()).unwrap_or_default();
    if is_enforced(&bench, &status, "cpu limit").await {
        let read = |name: &str| {
            dirs.iter()
                .find_map(|dir| std::fs::read_to_string(format!("{dir}/{name}")).ok())
        };
        let quota = read("cpu.cfs_quota_us")
            .or_else(|| read("cpu.max"))
            .expect("a quota");
        assert!(quota.starts_with("50000"), "{quota}");
    }
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    for dir in dirs {
        assert!(!std::path::Path::new(&dir).exists(), "{dir} is left");
    }
}

/// The bound that is promised holds for a release build of the shim alone; this one, without
/// optimisation, shows that nothing grows with what the app does.
#[tokio::test]
async fn a_shim_stays_small_after_a_flood() {
    let bench = Bench::new();
    let line = "y".repeat(999);
    let script = format!("yes {line} | head -c 100000000; echo done >&2; exec sleep 1000");
    let mut spec = bench.sh(&script);
    spec.log = LogSpec {
        max_file_bytes: 1 << 20,
        max_files: 2,
    };
    bench.start(&spec).await;
    eventually("the end of the flood", async || {
        let said = bench.texts(&spec.id, Stream::Stderr).await;
        said.contains(&"done".to_owned()).then_some(())
    })
    .await;
    let rollup = format!("/proc/{}/smaps_rollup", bench.shim(&spec.id));
    let rollup = std::fs::read_to_string(rollup).expect("a rollup");
    let private: u64 = rollup
        .lines()
        .filter(|line| line.starts_with("Private_"))
        .filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    assert!(private < 6 << 10, "{private} KiB");
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}
