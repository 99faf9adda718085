//! How builds fail, and what is said about it.

use std::path::PathBuf;

use landfall_build::image::{ImageBuildError, ImageBuilder};
use landfall_model::spec::ImageBuildSpec;

use crate::bench::{Bench, chain, inline, names, spec};

#[tokio::test]
async fn a_step_that_fails_is_named_with_its_code_and_its_last_lines() {
    let bench = Bench::new(&[]);
    let spec = inline("FROM BASE\nRUN (echo compiling; echo 'no such module') >&2; exit 3\n");
    let failed = bench.build(&spec).await.error();
    let ImageBuildError::StepFailed {
        step, code, tail, ..
    } = &failed
    else {
        panic!("{failed:?}");
    };
    assert!(step.starts_with("[2/2] RUN (echo compiling"), "{step}");
    assert_eq!(*code, Some(3));
    assert_eq!(tail, &["compiling", "no such module"]);
    assert_eq!(failed.tail(), tail);
    assert!(chain(&failed).ends_with("ended with code 3"), "{failed}");
}

#[tokio::test]
async fn c4_a_failed_build_leaves_what_was_built_before() {
    let bench = Bench::new(&[("fails", "0")]);
    let spec = inline("FROM BASE\nRUN echo long work\nCOPY fails /\nRUN exit $(cat /fails)\n");
    let first = bench.build(&spec).await;
    bench.write("fails", "1");
    bench.build(&spec).await.error();
    let still = bench.builder.find(&bench.tag).await.expect("an answer");
    assert_eq!(still, Some(first.id()));
    bench.write("fails", "00");
    let third = bench.build(&spec).await;
    third.id();
    assert_eq!(third.cached().len(), 1, "{:?}", third.news);
}

#[tokio::test]
async fn what_is_missing_is_said_with_where_it_was_looked_for() {
    let bench = Bench::new(&[("web/x", "")]);
    let root = bench.tree.path().display().to_string();
    let web = ImageBuildSpec {
        context: "web".to_owned(),
        ..spec()
    };
    for (spec, expected) in [
        (
            web.clone(),
            format!("there is no Dockerfile at {root}/web/Dockerfile"),
        ),
        (
            ImageBuildSpec {
                context: "wbe".to_owned(),
                ..spec()
            },
            format!("there is no directory {root}/wbe for the build context"),
        ),
        (
            ImageBuildSpec {
                additional_contexts: names([("shared", "../gone")]),
                ..inline("FROM scratch\n")
            },
            format!("there is no directory {root}/../gone for the build context \"shared\""),
        ),
        (
            ImageBuildSpec {
                target: Some("prod".to_owned()),
                ..inline("FROM scratch AS build\nFROM scratch AS production\n")
            },
            "the Dockerfile has no stage \"prod\"; it has build, production".to_owned(),
        ),
    ] {
        let refused = bench.try_inputs(&spec).await.expect_err("a refusal");
        assert_eq!(refused.to_string(), expected);
    }
}

#[tokio::test]
async fn a_pattern_that_cannot_be_read_is_named_with_its_file() {
    let bench = Bench::new(&[(".dockerignore", "src/[a"), ("Dockerfile", "FROM scratch")]);
    let refused = bench.try_inputs(&spec()).await.expect_err("a refusal");
    let said = refused.to_string();
    assert!(
        said.ends_with(".dockerignore: the pattern \"src/[a\" cannot be read"),
        "{said}"
    );
}

#[tokio::test]
async fn a_copy_of_what_is_not_there_names_it() {
    let bench = Bench::new(&[("a", ""), ("b", ""), (".dockerignore", "b")]);
    for path in ["nope", "b"] {
        let spec = inline(&format!("FROM BASE\nCOPY a /a\nCOPY {path} /b\n"));
        let failed = bench.build(&spec).await.error();
        let ImageBuildError::NoFile { step, path: named } = &failed else {
            panic!("{failed:?}");
        };
        assert!(step.contains(&format!("COPY {path} /b")), "{step}");
        assert_eq!(named.trim_start_matches('/'), path);
    }
}

#[tokio::test]
async fn a_base_image_that_cannot_be_had_is_named() {
    let bench = Bench::new(&[]);
    // Nobody listens there.
    let spec = inline("FROM localhost:1/nope:1\nRUN x\n");
    let failed = bench.build(&spec).await.error();
    let ImageBuildError::NoBase { image, message } = &failed else {
        panic!("{failed:?}");
    };
    assert_eq!(image, "localhost:1/nope:1");
    assert!(message.contains("connection refused"), "{message}");
}

#[tokio::test]
async fn a_dockerfile_that_cannot_be_read_says_which_line() {
    let bench = Bench::new(&[]);
    let failed = bench.build(&inline("FROM BASE\nRUNN x\n")).await.error();
    let ImageBuildError::Failed { message, .. } = &failed else {
        panic!("{failed:?}");
    };
    assert!(message.contains("unknown instruction: RUNN"), "{message}");
    assert!(message.contains("line 2"), "{message}");
    let empty = bench.build(&inline("\n")).await.error();
    assert!(matches!(empty, ImageBuildError::Failed { .. }), "{empty:?}");
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_said_with_what_to_do() {
    let bench = Bench {
        builder: ImageBuilder::new(PathBuf::from("/nowhere/docker.sock")),
        ..Bench::new(&[("Dockerfile", "FROM x")])
    };
    let failed = bench.build(&spec()).await.error();
    assert!(
        matches!(failed, ImageBuildError::EngineDown { .. }),
        "{failed:?}"
    );
    let said = failed.to_string();
    assert!(
        said.contains("/nowhere/docker.sock; start it with"),
        "{said}"
    );
    assert!(bench.try_inputs(&spec()).await.is_err());
}

#[tokio::test]
async fn a_dockerfile_of_the_context_that_is_ignored_still_counts_and_is_not_copied() {
    let text = format!(
        "FROM {}\nCOPY . /all\nRUN ls -A /all\n",
        crate::bench::IMAGE
    );
    let bench = Bench::new(&[("Dockerfile", &text), (".dockerignore", "*\n!a"), ("a", "")]);
    let built = bench.build(&spec()).await;
    built.id();
    assert_eq!(built.lines(), ["a"]);
    let before = bench.inputs(&spec()).await;
    bench.write("Dockerfile", &format!("{text}# More.\n"));
    let after = bench.inputs(&spec()).await;
    let changes = landfall_build::explain(&before, &after);
    let changed: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(changed, ["Dockerfile"]);
}
