//! What of the source tree a build sees.

use landfall_build::image::ImageBuildError;
use landfall_model::spec::{Dockerfile, ImageBuildSpec};

use crate::bench::{Bench, IMAGE, inline, names, spec};

/// Prints all files of the context, apart from the Dockerfile's own.
const LIST: &str = "FROM BASE\nCOPY . /all\nRUN cd /all && ls -A1 . src\n";

#[tokio::test]
async fn what_is_ignored_is_not_seen() {
    let ignored = "# Not for the image.\n*.md\n!README.md\nsrc/*\n!src/main.js\n.git\n";
    let bench = Bench::new(&[
        (".dockerignore", ignored),
        (".git/config", "x"),
        ("README.md", "x"),
        ("notes.md", "x"),
        ("src/main.js", "x"),
        ("src/test.js", "x"),
    ]);
    let built = bench.build(&inline(LIST)).await;
    built.id();
    let seen = [
        ".:",
        ".dockerignore",
        "README.md",
        "src",
        "",
        "src:",
        "main.js",
    ];
    assert_eq!(built.lines(), seen);
}

#[tokio::test]
async fn an_ignore_file_beside_the_dockerfile_goes_first() {
    let dockerfile = LIST.replace("BASE", IMAGE);
    let bench = Bench::new(&[
        (".dockerignore", "src"),
        ("docker/web", &dockerfile),
        ("docker/web.dockerignore", "docker\n.dockerignore\n"),
        ("src/main.js", "x"),
    ]);
    let web = ImageBuildSpec {
        dockerfile: Dockerfile::File("docker/web".to_owned()),
        ..spec()
    };
    let built = bench.build(&web).await;
    built.id();
    assert_eq!(built.lines(), [".:", "src", "", "src:", "main.js"]);
}

#[tokio::test]
async fn context_and_dockerfile_may_lie_above_the_app() {
    let dockerfile = format!("FROM {IMAGE}\nCOPY lib /lib-of-all\n");
    let bench = Bench::new(&[
        ("mono/lib/a", "shared"),
        ("mono/app/landfall.toml", ""),
        ("build/Dockerfile", &dockerfile),
    ]);
    let above = ImageBuildSpec {
        context: "mono/app/..".to_owned(),
        dockerfile: Dockerfile::File("../build/Dockerfile".to_owned()),
        ..spec()
    };
    let built = bench.build(&above).await;
    assert_eq!(bench.read(built.id(), "/lib-of-all/a"), "shared");
    let inputs = bench.inputs(&above).await;
    let files: Vec<&str> = inputs.files.keys().map(String::as_str).collect();
    assert_eq!(files, ["build/Dockerfile", "mono/lib", "mono/lib/a"]);
}

#[tokio::test]
async fn additional_contexts_are_seen_where_the_engine_knows_them() {
    let bench = Bench::new(&[
        ("app/a", "app"),
        ("shared/b", "shared"),
        ("shared/c", "ignored"),
        ("shared/.dockerignore", "c"),
    ]);
    let two = ImageBuildSpec {
        context: "app".to_owned(),
        additional_contexts: names([("context", "shared")]),
        ..inline("FROM BASE\nCOPY a /app/\nCOPY --from=context . /shared\nRUN ls -A1 /shared\n")
    };
    let built = bench.build(&two).await;
    match &built.result {
        Ok(_) => assert_eq!(built.lines(), [".dockerignore", "b"]),
        Err(ImageBuildError::TooOld { what, api }) => {
            assert_eq!((*what, api.as_str()), ("additional_contexts", "1.41"));
        }
        Err(other) => panic!("{other:?}"),
    }
}
