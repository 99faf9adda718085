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

#[tokio::test]
async fn c2_two_images_of_one_context_change_only_with_what_they_copy() {
    let bench = Bench::new(&[("web/a", "1"), ("api/a", "1"), ("shared/a", "1")]);
    // No other test's, whose steps would be known.
    bench.write("shared/b", &bench.tag);
    let of = |name: &str| {
        let text = format!("FROM BASE\nCOPY {name} /own\nCOPY shared /shared\n");
        inline(&text)
    };
    let (web, api) = (of("web"), of("api"));
    let before = (bench.inputs(&web).await, bench.inputs(&api).await);
    let first = bench.build(&api).await.id();
    bench.write("web/a", "2");
    assert_ne!(bench.inputs(&web).await.digest, before.0.digest);
    assert_eq!(bench.inputs(&api).await, before.1);
    // What does not count makes no other image.
    let again = bench.build(&api).await;
    assert_eq!(again.ran(), [""; 0]);
    assert_eq!(again.id(), first);
    bench.write("shared/a", "2");
    assert_ne!(bench.inputs(&api).await.digest, before.1.digest);
    assert_eq!(bench.read(bench.build(&api).await.id(), "/shared/a"), "2");
}

#[tokio::test]
async fn inputs_change_exactly_when_the_engine_makes_another_image() {
    let bench = Bench::new(&[
        ("real/x", "1"),
        ("real/sub/y", "1"),
        ("other/x.js", "1"),
        ("z.js", "1"),
        ("*", "1"),
    ]);
    let link = |target, path| {
        std::os::unix::fs::symlink(target, bench.tree.path().join(path)).expect("a link");
    };
    link("real", "link");
    link("../z.js", "other/out");
    let specs: Vec<ImageBuildSpec> = [
        "COPY real/sub /",
        "COPY link/sub/../x /",
        "COPY li*k /out/",
        "COPY */x* /out/",
        "COPY [^r]*.js other/o* /out/",
        "COPY [\"real\", \"/out/\"]",
        "ARG D=real\nENV E=$D/sub\nCOPY ${E}/y /",
        "COPY . /",
    ]
    .iter()
    .map(|copy| inline(&format!("FROM scratch\n{copy}\nLABEL of={}\n", bench.tag)))
    .collect();
    let mut last = Vec::new();
    for spec in &specs {
        last.push((
            bench.inputs(spec).await.digest,
            bench.build(spec).await.id(),
        ));
    }
    for touched in ["real/x", "real/sub/y", "other/x.js", "z.js", "*"] {
        bench.write(touched, &format!("touched {touched}"));
        for (spec, last) in specs.iter().zip(&mut last) {
            let now = (
                bench.inputs(spec).await.digest,
                bench.build(spec).await.id(),
            );
            let text = format!("{touched} of {:?}", spec.dockerfile);
            assert_eq!(now.0 != last.0, now.1 != last.1, "{text}");
            *last = now;
        }
    }
}

#[tokio::test]
async fn a_base_image_with_instructions_for_later_may_see_everything() {
    let base = Bench::new(&[]);
    base.build(&inline("FROM BASE\nONBUILD COPY later /later\n"))
        .await
        .id();
    let bench = Bench::new(&[("a", "1"), ("later", "1")]);
    let spec = inline(&format!("FROM {}\nCOPY a /a\n", base.tag));
    let before = bench.inputs(&spec).await;
    bench.write("later", "2");
    let after = bench.inputs(&spec).await;
    let changed = explain(&before, &after);
    let changed: Vec<&str> = changed.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(changed, ["later"]);
    assert_eq!(bench.read(bench.build(&spec).await.id(), "/later"), "2");
}
