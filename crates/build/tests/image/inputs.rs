//! What counts as an input of an image.

use landfall_build::explain;
use landfall_model::spec::ImageBuildSpec;

use crate::bench::{Bench, DockerEngine, inline, names};

#[tokio::test]
async fn a_base_image_counts_by_what_its_name_means_now() {
    let engine = DockerEngine::shared();
    let empty = tempfile::tempdir().expect("a directory");
    let bench = Bench::new(&[]);
    let base = format!("{}-base", bench.tag);
    let spec = inline(&format!("FROM scratch AS unused\nFROM {base} AS used\n"));
    engine.import(empty.path(), &base);
    let before = bench.inputs(&spec).await;
    assert_eq!(bench.inputs(&spec).await, before);
    std::fs::write(empty.path().join("new"), "").expect("a file");
    engine.import(empty.path(), &base);
    let after = bench.inputs(&spec).await;
    let changed: Vec<String> = explain(&before, &after)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(changed, [format!("base image {base}")]);
    let other = ImageBuildSpec {
        target: Some("unused".to_owned()),
        ..spec
    };
    let names: Vec<String> = bench.inputs(&other).await.settings.into_keys().collect();
    assert!(
        !names.iter().any(|name| name.starts_with("base")),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_change_says_what_it_is() {
    let bench = Bench::new(&[("src/a", "1"), ("src/b", "1")]);
    let spec = ImageBuildSpec {
        args: names([("COLOR", "red")]),
        ..inline("FROM scratch\nCOPY src /\n")
    };
    let before = bench.inputs(&spec).await;
    bench.write("src/a", "2");
    bench.write("src/c", "1");
    std::fs::remove_file(bench.tree.path().join("src/b")).expect("a removal");
    let spec = ImageBuildSpec {
        args: names([("COLOR", "blue")]),
        ..spec
    };
    let after = bench.inputs(&spec).await;
    let changed: Vec<String> = explain(&before, &after)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        changed,
        [
            "build argument COLOR",
            "src/a",
            "src/b (gone)",
            "src/c (new)"
        ]
    );
}
