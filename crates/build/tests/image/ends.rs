//! Builds that are ended before they end.

use std::time::{Duration, Instant};

use landfall_build::image::{
    BuildProgress, ImageBuildError, ImageBuildRequest, ImageBuilder, RegistryCredentials,
};
use landfall_model::Digest;
use landfall_model::spec::ImageBuildSpec;
use rustix::process::{Pid, Signal};
use tokio::sync::mpsc;

use crate::bench::{Bench, DockerEngine, PATIENCE, inline};

/// A step that does not end by itself, and a word by which its process is known.
fn endless(word: &str) -> ImageBuildSpec {
    inline(&format!(
        "FROM BASE\nRUN echo begun; sh -c 'sleep 1000; : {word}'\n"
    ))
}

/// What a build comes to when `then` happens after its step has begun; `None` where `then` is
/// faster. The build is dropped in that case.
async fn after_it_began(
    bench: &Bench,
    spec: &ImageBuildSpec,
    then: impl AsyncFnOnce(),
) -> Option<Result<Digest, ImageBuildError>> {
    let (progress, mut told) = mpsc::channel(16);
    let nobody = RegistryCredentials::new();
    let building = bench.builder.build(ImageBuildRequest {
        root: bench.tree.path(),
        spec,
        env: &bench.env,
        credentials: &nobody,
        tag: &bench.tag,
        host_name: "build",
        progress,
    });
    let happening = async {
        while let Some(news) = told.recv().await {
            if matches!(&news, BuildProgress::Line(_, line) if line.line == "begun") {
                return then().await;
            }
        }
        panic!("it ended without a word");
    };
    tokio::select! {
        built = building => Some(built),
        happened = tokio::time::timeout(PATIENCE, happening) => {
            happened.expect("in time");
            None
        }
    }
}

/// The processes that have a word in their command lines.
fn running(word: &str) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").expect("processes");
    let matching = processes.filter_map(|process| {
        let path = process.ok()?.path();
        let pid = path.file_name()?.to_str()?.parse().ok()?;
        let command = std::fs::read(path.join("cmdline")).ok()?;
        let matches = String::from_utf8_lossy(&command).contains(word);
        matches.then(|| Pid::from_raw(pid))?
    });
    matching.collect()
}

/// Waits until a process with the word in its command line runs. One that is just being replaced
/// by what it executes has none for a moment.
async fn until_running(word: &str) {
    until(word, |processes| !processes.is_empty()).await;
}

async fn until_gone(word: &str) {
    until(word, <[Pid]>::is_empty).await;
}

async fn until(word: &str, fits: impl Fn(&[Pid]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let processes = running(word);
        if fits(&processes) {
            return;
        }
        assert!(Instant::now() < deadline, "{word}: {processes:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_build_that_is_dropped_ends_at_the_engine() {
    let bench = Bench::new(&[]);
    let spec = endless("dropped-build");
    let ended = after_it_began(&bench, &spec, async || until_running("dropped-build").await);
    let ended = ended.await;
    assert!(ended.is_none(), "{ended:?}");
    until_gone("dropped-build").await;
}

#[tokio::test]
async fn a_build_that_takes_too_long_is_ended_and_says_what_it_wrote_last() {
    let bench = Bench::new(&[]);
    let spec = ImageBuildSpec {
        timeout: Duration::from_secs(5),
        ..endless("late-build")
    };
    let failed = bench.build(&spec).await.error();
    let ImageBuildError::TimedOut { after, tail } = &failed else {
        panic!("{failed:?}");
    };
    assert_eq!(*after, spec.timeout);
    assert_eq!(tail, &["begun"]);
    let said = failed.to_string();
    assert_eq!(said, "the build of the image did not end within 5 s");
    until_gone("late-build").await;
}

#[tokio::test]
async fn an_engine_that_ends_during_a_build_is_said() {
    let mut engine = DockerEngine::start(false);
    let bench = Bench {
        builder: ImageBuilder::new(engine.socket()),
        ..Bench::new(&[])
    };
    let spec = endless("orphaned-build");
    let ended = after_it_began(&bench, &spec, async || {
        let stopped = tokio::task::spawn_blocking(move || {
            engine.stop_daemon();
            engine
        });
        let _engine = stopped.await.expect("a stop");
        std::future::pending().await
    });
    let failed = ended.await.expect("an end").expect_err("a failure");
    assert!(
        matches!(failed, ImageBuildError::EngineLost { .. }),
        "{failed:?}"
    );
    // An engine leaves what its builds run behind; systemd, where there is one, ends it.
    for process in running("orphaned-build") {
        let _ = rustix::process::kill_process(process, Signal::KILL);
    }
    until_gone("orphaned-build").await;
}
