//! Values that steps see and images do not.

use std::collections::BTreeMap;

use landfall_model::spec::{BuildSecret, ImageBuildSpec};

use crate::bench::{Bench, DockerEngine, chain, inline};

const VALUE: &str = "correct-horse-battery";

fn with_secrets(dockerfile: &str) -> ImageBuildSpec {
    ImageBuildSpec {
        secrets: BTreeMap::from([
            (
                "token".to_owned(),
                BuildSecret::Variable("NPM_TOKEN".to_owned()),
            ),
            (
                "key".to_owned(),
                BuildSecret::File("keys/key.pem".to_owned()),
            ),
        ]),
        ..inline(dockerfile)
    }
}

#[tokio::test]
async fn a_secret_is_seen_by_its_step_and_is_nowhere_in_the_image() {
    let mut bench = Bench::new(&[("keys/key.pem", VALUE), (".dockerignore", "keys")]);
    bench.set("NPM_TOKEN", VALUE);
    let spec = with_secrets(
        "FROM BASE\n\
         RUN --mount=type=secret,id=token --mount=type=secret,id=key,target=/key \
         cat /run/secrets/token | busybox wc -c; cat /key | busybox wc -c; ls -A / >/seen\n",
    );
    let built = bench.build(&spec).await;
    let id = built.id();
    let length = VALUE.len().to_string();
    assert_eq!(built.lines(), [length.as_str(), length.as_str()]);
    let saved = bench.tree.path().join("image.tar");
    let engine = DockerEngine::shared();
    engine.docker(&["save", "-o", &saved.to_string_lossy(), &id.to_string()]);
    let saved = std::fs::read(saved).expect("an image");
    let is_value = |window: &[u8]| window == VALUE.as_bytes();
    assert!(
        !saved.windows(VALUE.len()).any(is_value),
        "it is in the image"
    );
    let news = format!("{:?}", built.news);
    assert!(!news.contains(VALUE), "{news}");
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_named() {
    let bench = Bench::new(&[("keys/key.pem", VALUE)]);
    let failed = bench.build(&with_secrets("FROM BASE\n")).await.error();
    let expected = "the build secret \"token\" is to come from the variable NPM_TOKEN, \
                    which is not there";
    assert_eq!(chain(&failed), expected);
}

#[tokio::test]
async fn the_value_of_a_secret_is_no_input() {
    let mut bench = Bench::new(&[("keys/key.pem", VALUE), (".dockerignore", "keys")]);
    let spec = with_secrets("FROM BASE\n");
    let before = bench.inputs(&spec).await;
    bench.set("NPM_TOKEN", "another");
    bench.write("keys/key.pem", "another");
    assert_eq!(bench.inputs(&spec).await, before);
}
