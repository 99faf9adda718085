//! Builds that are ended before they end.

use std::time::{Duration, Instant};

use landfall_build::image::{
    BuildProgress, ImageBuildError, ImageBuildRequest, RegistryCredentials,
};
use landfall_model::spec::ImageBuildSpec;
use tokio::sync::mpsc;

use crate::bench::{Bench, PATIENCE, inline};

/// A step that does not end by itself, and a word by which its process is known.
fn endless(word: &str) -> ImageBuildSpec {
    inline(&format!(
        "FROM BASE\nRUN echo begun; sh -c 'sleep 1000; : {word}'\n"
    ))
}

fn runs(word: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("processes");
    let mut commands =
        processes.filter_map(|process| std::fs::read(process.ok()?.path().join("cmdline")).ok());
    commands.any(|command| String::from_utf8_lossy(&command).contains(word))
}

async fn until_gone(word: &str) {
    let deadline = Instant::now() + PATIENCE;
    while runs(word) {
        assert!(Instant::now() < deadline, "it still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_build_that_is_dropped_ends_at_the_engine() {
    let bench = Bench::new(&[]);
    let spec = endless("dropped-build");
    let (progress, mut told) = mpsc::channel(16);
    let nobody = RegistryCredentials::new();
    let building = bench.builder.build(ImageBuildRequest {
        root: bench.tree.path(),
        spec: &spec,
        env: &bench.env,
        credentials: &nobody,
        tag: &bench.tag,
        progress,
    });
    let begun = async {
        while let Some(news) = told.recv().await {
            if matches!(&news, BuildProgress::Line(_, line) if line.line == "begun") {
                return;
            }
        }
        panic!("it ended without a word");
    };
    tokio::select! {
        built = building => panic!("{built:?}"),
        begun = tokio::time::timeout(PATIENCE, begun) => begun.expect("in time"),
    }
    assert!(spec.timeout >= PATIENCE);
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
    assert_eq!(
        failed.to_string(),
        "the build of the image did not end within 5 s"
    );
    until_gone("late-build").await;
}
