//! What is kept of the output.

use landfall_runtime::{LogLine, LogQuery, LogSpec, Runtime, Stream};
use tokio::sync::mpsc;

use crate::bench::{Bench, eventually, within};

#[tokio::test]
async fn lines_are_kept_with_their_stream_in_order_whatever_they_hold() {
    let bench = Bench::new();
    let spec = bench
        .sh("echo one; printf 'crlf\\r\\n'; printf '\\377\\000junk\\n'; echo; printf 'no end'");
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    let texts = bench.texts(&spec.id, Stream::Stdout).await;
    assert_eq!(texts, ["one", "crlf", "\u{fffd}\0junk", "", "no end"]);
}

#[tokio::test]
async fn a_line_longer_than_the_log_takes_at_once_is_put_together_again() {
    let bench = Bench::new();
    let spec = bench.sh("head -c 100000 /dev/zero | tr '\\0' x; echo; echo after");
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    let texts = bench.texts(&spec.id, Stream::Stdout).await;
    assert_eq!(texts, ["x".repeat(100_000), "after".to_owned()]);
}

#[tokio::test]
async fn a_prompt_without_a_line_end_is_seen_while_the_program_waits() {
    let bench = Bench::new();
    let spec = bench.sh("printf 'waiting for '; sleep 3; echo it; exec sleep 1000");
    bench.start(&spec).await;
    let log = bench.dir(&spec.id).join("log/00000001.log");
    eventually("the prompt", async || {
        let content = std::fs::read_to_string(&log).unwrap_or_default();
        content.contains(" stdout P waiting for ").then_some(())
    })
    .await;
    bench.line(&spec.id, "waiting for it").await;
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn f4_no_line_is_lost_across_files_while_the_bound_is_not_reached() {
    let bench = Bench::new();
    let mut spec = bench.sh("seq 1 50000");
    spec.log = LogSpec {
        max_file_bytes: 100_000,
        max_files: 40,
    };
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    let texts = bench.texts(&spec.id, Stream::Stdout).await;
    assert!(
        texts
            .iter()
            .map(|text| text.parse::<u32>().expect("a number"))
            .eq(1..=50_000)
    );

    let tail = LogQuery {
        tail: Some(3),
        since: None,
    };
    let last: Vec<LogLine> = bench.runtime.logs(&spec.id, &tail).await.expect("a log");
    assert_eq!(
        last[..2]
            .iter()
            .map(|line| line.text.as_str())
            .collect::<Vec<_>>(),
        ["49999", "50000"]
    );
    let since = LogQuery {
        tail: None,
        since: Some(last[1].at),
    };
    let rest = bench.runtime.logs(&spec.id, &since).await.expect("a log");
    assert!(rest.iter().all(|line| line.at >= last[1].at) && rest.contains(&last[1]));
}

#[tokio::test]
async fn f4_a_flood_is_bounded_on_disk_and_every_kept_line_is_whole() {
    let bench = Bench::new();
    let line = "y".repeat(99);
    let mut spec = bench.sh(&format!("yes {line} | head -c 200000000; echo done >&2"));
    spec.log = LogSpec {
        max_file_bytes: 1 << 20,
        max_files: 3,
    };
    bench.start(&spec).await;
    bench.until_exited(&spec.id).await;
    let files = std::fs::read_dir(bench.dir(&spec.id).join("log")).expect("a log");
    let sizes: Vec<u64> = files
        .map(|file| file.expect("a file").metadata().expect("data").len())
        .collect();
    assert!(
        sizes.len() <= 3 && sizes.iter().all(|&size| size <= 1 << 20),
        "{sizes:?}"
    );
    let texts = bench.texts(&spec.id, Stream::Stdout).await;
    assert!(texts.len() > 10_000 && texts.iter().all(|text| *text == line));
    assert_eq!(bench.texts(&spec.id, Stream::Stderr).await, ["done"]);
}

#[tokio::test]
async fn a_flood_keeps_neither_a_reader_nor_a_stop_waiting() {
    let bench = Bench::new();
    let mut spec = bench.sh("exec yes");
    spec.log = LogSpec {
        max_file_bytes: 1 << 16,
        max_files: 2,
    };
    bench.start(&spec).await;
    bench.line(&spec.id, "y").await;
    let all = LogQuery::default();
    for _ in 0..50 {
        within(bench.runtime.logs(&spec.id, &all))
            .await
            .expect("a log");
    }
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn following_gives_every_line_across_files_and_ends_with_the_instance() {
    let bench = Bench::new();
    let mut spec = bench.sh("for i in $(seq 1 300); do echo line $i; sleep 0.002; done");
    spec.log = LogSpec {
        max_file_bytes: 2_000,
        max_files: 1_000,
    };
    bench.start(&spec).await;
    let (sender, mut receiver) = mpsc::channel(8);
    let query = LogQuery::default();
    let follow = bench.runtime.follow_logs(&spec.id, &query, sender);
    let collect = async {
        let mut texts = Vec::new();
        while let Some(line) = receiver.recv().await {
            if line.stream == Stream::Stdout {
                texts.push(line.text);
            }
        }
        texts
    };
    let (followed, texts) = within(async { tokio::join!(follow, collect) }).await;
    followed.expect("an end");
    let expected: Vec<String> = (1..=300).map(|number| format!("line {number}")).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn following_ends_when_nobody_listens_any_more() {
    let bench = Bench::new();
    let spec = bench.sh("exec sleep 1000");
    bench.start(&spec).await;
    let (sender, receiver) = mpsc::channel(8);
    drop(receiver);
    within(
        bench
            .runtime
            .follow_logs(&spec.id, &LogQuery::default(), sender),
    )
    .await
    .expect("an end");
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}

#[tokio::test]
async fn a_removed_log_is_made_again() {
    let bench = Bench::new();
    let spec = bench.sh("while :; do echo more; sleep 0.02; done");
    bench.start(&spec).await;
    bench.line(&spec.id, "more").await;
    std::fs::remove_dir_all(bench.dir(&spec.id).join("log")).expect("a removal");
    bench.line(&spec.id, "more").await;
    within(bench.runtime.stop(&spec.id, &spec.stop))
        .await
        .expect("a stop");
}
