//! The environment: exactly what was given, and nowhere else to be seen.

use std::path::Path;

use landfall_runtime::{Runtime, RuntimeError, Stream};

use crate::bench::{Bench, env, within};

const VALUE: &str = "s3cr3t-4711-value";

#[tokio::test]
async fn the_program_gets_exactly_the_environment_it_was_given() {
    let bench = Bench::new();
    let mut spec = bench.sh("");
    spec.run = bench.program("/usr/bin/env");
    let given = env(&[("PORT", "4242"), ("EMPTY", ""), ("LINES", "a=b c")]);
    bench.runtime.start(&spec, &given).await.expect("a start");
    bench.until_exited(&spec.id).await;
    let mut seen = bench.texts(&spec.id, Stream::Stdout).await;
    seen.sort();
    assert_eq!(
        seen,
        [
            "EMPTY=",
            "LINES=a=b c",
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "PORT=4242"
        ]
    );
}

#[tokio::test]
async fn d5_a_secret_is_neither_on_disk_nor_in_a_command_line_nor_in_the_shims_environment() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench
        .runtime
        .start(&spec, &env(&[("TOKEN", VALUE)]))
        .await
        .expect("a start");
    let shim = bench.shim(&spec.id);
    for file in ["cmdline", "environ"] {
        let content = std::fs::read(format!("/proc/{shim}/{file}")).expect("a file");
        assert!(
            !String::from_utf8_lossy(&content).contains(VALUE),
            "seen in {file}"
        );
    }
    assert_no_file_has(&bench.dir(&spec.id));
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
    assert_no_file_has(&bench.dir(&spec.id));
}

fn assert_no_file_has(dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            assert_no_file_has(&entry.path());
        } else if kind.is_file() {
            let content = std::fs::read(entry.path()).expect("a file");
            assert!(
                !String::from_utf8_lossy(&content).contains(VALUE),
                "seen in {:?}",
                entry.path()
            );
        }
    }
}

#[tokio::test]
async fn nobody_else_may_read_or_control_an_instance() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let mode = |path: &Path| {
        std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(path).expect("a file").permissions(),
        ) & 0o777
    };
    let dir = bench.dir(&spec.id);
    assert_eq!(mode(&dir), 0o700);
    for file in ["control.sock", "state.json", "spec.json"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn the_program_inherits_no_descriptor_mask_or_blocked_signal() {
    let bench = Bench::new();
    let spec =
        bench.sh("umask; ls /proc/self/fd | wc -l; grep -E 'Sig(Blk|Ign)' /proc/self/status");
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    let seen = bench.texts(&spec.id, Stream::Stdout).await;
    // Three standard descriptors and the one by which `ls` reads the directory.
    assert_eq!(seen[..2], ["0022", "4"]);
    // Signals 32 and 33 are the C library's own, and it lets nobody touch them.
    let is_free = |line: &String| {
        let bits = line
            .split('\t')
            .nth(1)
            .and_then(|bits| u64::from_str_radix(bits, 16).ok());
        bits.is_some_and(|bits| bits & !(0b11 << 31) == 0)
    };
    assert!(seen.len() == 4 && seen[2..].iter().all(is_free), "{seen:?}");
}

#[tokio::test]
async fn a_value_that_no_process_can_get_is_refused_without_being_shown() {
    let bench = Bench::new();
    let spec = bench.sh("true");
    let bad = format!("{VALUE}\0");
    let error = bench
        .runtime
        .start(&spec, &env(&[("TOKEN", &bad)]))
        .await
        .expect_err("a refusal");
    assert!(matches!(error, RuntimeError::Start { .. }));
    assert!(
        error.to_string().contains("TOKEN") && !error.to_string().contains(VALUE),
        "{error}"
    );
}
