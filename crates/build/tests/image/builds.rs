//! What comes out of a build.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};

use landfall_build::image::{ImageBuildError, ImageBuilder};
use landfall_model::container::Ulimit;
use landfall_model::spec::{Dockerfile, ExtraHost, ImageBuildSpec};

use landfall_runtime::docker::{StepLimits, limit_builds};

use crate::bench::{Bench, DockerEngine, IMAGE, inline, names, spec};

#[tokio::test]
async fn an_image_of_scratch_holds_the_files_of_the_context() {
    let bench = Bench::new(&[("Dockerfile", "FROM scratch\nCOPY . /\nCMD [\"/busybox\"]\n")]);
    std::fs::copy("/bin/busybox", bench.tree.path().join("busybox")).expect("busybox-static");
    bench.write("etc/motd", "hello");
    let built = bench.build(&spec()).await;
    let id = built.id();
    let engine = DockerEngine::shared();
    let shown = engine.docker(&["image", "inspect", "-f", "{{.Id}}", &bench.tag]);
    assert_eq!(shown, id.to_string());
    assert_eq!(bench.run(id, &["/busybox", "cat", "/etc/motd"]), "hello");
    assert_eq!(
        bench.builder.find(&bench.tag).await.expect("an answer"),
        Some(id)
    );
    let gone = bench.builder.find("landfall/none:1").await;
    assert_eq!(gone.expect("an answer"), None);
}

#[tokio::test]
async fn permissions_links_and_empty_directories_reach_the_image() {
    let bench = Bench::new(&[("secret", "x"), ("run.sh", "#!/bin/sh\necho ran\n")]);
    let root = bench.tree.path();
    let chmod = |path: &str, mode| {
        std::fs::set_permissions(root.join(path), PermissionsExt::from_mode(mode)).expect("a mode");
    };
    chmod("secret", 0o600);
    chmod("run.sh", 0o755);
    std::fs::create_dir(root.join("empty")).expect("a directory");
    chmod("empty", 0o1777);
    symlink("run.sh", root.join("link")).expect("a link");
    let built = bench.build(&inline("FROM BASE\nCOPY . /app/\n")).await;
    let modes = bench.run(
        built.id(),
        &[
            "stat",
            "-c",
            "%a %u",
            "/app/secret",
            "/app/run.sh",
            "/app/empty",
        ],
    );
    assert_eq!(modes, "600 0\n755 0\n1777 0");
    assert_eq!(bench.run(built.id(), &["/app/link"]), "ran");
}

#[tokio::test]
async fn stages_arguments_target_and_labels_are_as_asked() {
    let dockerfile = format!(
        "ARG BASE=none\nFROM $BASE AS build\nARG COLOR=grey\nRUN echo $COLOR >/color\n\
         FROM build AS tested\nRUN echo tested >/tested\n\
         FROM {IMAGE}\nCOPY --from=build /color /color\n"
    );
    let bench = Bench::new(&[("docker/Dockerfile.prod", &dockerfile)]);
    let whole = ImageBuildSpec {
        dockerfile: Dockerfile::File("docker/Dockerfile.prod".to_owned()),
        args: names([("BASE", IMAGE), ("COLOR", "dark green, with $ and \"")]),
        labels: names([("org.example.team", "web = all")]),
        ..spec()
    };
    let built = bench.build(&whole).await;
    assert_eq!(
        bench.read(built.id(), "/color"),
        "dark green, with $ and \""
    );
    assert!(!built.ran().iter().any(|step| step.contains("tested")));
    let label = "{{index .Config.Labels \"org.example.team\"}}";
    let engine = DockerEngine::shared();
    let label = engine.docker(&["image", "inspect", "-f", label, &bench.tag]);
    assert_eq!(label, "web = all");
    let tested = ImageBuildSpec {
        target: Some("tested".to_owned()),
        ..whole
    };
    let built = bench.build(&tested).await;
    assert_eq!(bench.read(built.id(), "/tested"), "tested");
}

#[tokio::test]
async fn c1_a_second_build_runs_no_step_and_makes_the_same_image() {
    let bench = Bench::new(&[("b", "1")]);
    // No other test's, whose steps would be known.
    bench.write("a", &bench.tag);
    let spec = inline("FROM BASE\nCOPY a /a\nRUN cat /a >/made\nCOPY b /b\n");
    let first = bench.build(&spec).await;
    assert_eq!(first.ran().len(), 3, "{:?}", first.news);
    // Times count for nothing.
    bench.write("a", &bench.tag);
    let second = bench.build(&spec).await;
    assert_eq!(second.ran(), [""; 0]);
    assert_eq!(second.cached().len(), 3, "{:?}", second.news);
    assert_eq!(second.id(), first.id());
    bench.write("b", "2");
    let third = bench.build(&spec).await;
    assert_eq!(third.ran().len(), 1, "{:?}", third.news);
    assert_eq!(bench.read(third.id(), "/b"), "2");
    let afresh = ImageBuildSpec {
        no_cache: true,
        ..spec
    };
    assert_eq!(bench.build(&afresh).await.ran().len(), 3);
}

#[tokio::test]
async fn a_file_of_the_same_size_and_time_is_still_another_one() {
    let bench = Bench::new(&[]);
    let path = bench.tree.path().join("a");
    let put = |content: &str| {
        std::fs::write(&path, content).expect("a file");
        let file = std::fs::File::options()
            .write(true)
            .open(&path)
            .expect("a file");
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)
            .expect("a time");
    };
    put("1");
    let spec = inline("FROM BASE\nCOPY a /a\n");
    let first = bench.build(&spec).await;
    assert_eq!(bench.read(first.id(), "/a"), "1");
    put("2");
    let second = bench.build(&spec).await;
    assert_eq!(bench.read(second.id(), "/a"), "2");
}

#[tokio::test]
async fn progress_tells_the_steps_and_what_they_wrote() {
    let bench = Bench::new(&[]);
    let spec = inline("FROM BASE\nRUN echo one; echo two >&2; echo -n three\n");
    let built = bench.build(&spec).await;
    built.id();
    let mut lines = built.lines();
    lines.sort_unstable();
    assert_eq!(lines, ["one", "three", "two"]);
    assert_eq!(built.ran().len(), 1);
    assert!(built.ran()[0].contains("RUN echo one"), "{:?}", built.ran());
}

#[tokio::test]
async fn c3_three_builds_at_once_do_not_meet() {
    let benches = ["a", "b", "c"].map(|name| Bench::new(&[("name", name), ("Dockerfile", "")]));
    let spec = inline("FROM BASE\nCOPY name /name\nRUN cat /name >/copy\n");
    let built = tokio::join!(
        benches[0].build(&spec),
        benches[1].build(&spec),
        benches[2].build(&spec)
    );
    let built = [built.0, built.1, built.2];
    for ((bench, built), name) in benches.iter().zip(&built).zip(["a", "b", "c"]) {
        assert_eq!(bench.read(built.id(), "/copy"), name);
    }
}

#[tokio::test]
async fn c3_a_step_that_takes_more_memory_than_it_may_is_ended() {
    let spec = ImageBuildSpec {
        no_cache: true,
        ..inline("FROM BASE\nRUN head -c 1000000000 /dev/zero | tail >/dev/null\n")
    };
    let limits = StepLimits {
        cpus: 1.0,
        memory: 64 << 20,
    };
    let newer = DockerEngine::start_newer();
    for engine in newer.iter().chain([DockerEngine::shared()]) {
        let bench = Bench {
            builder: ImageBuilder::new(engine.socket()),
            ..Bench::new(&[])
        };
        let directory = engine.docker(&["info", "--format", "{{.DockerRootDir}}"]);
        let built = tokio::select! {
            built = bench.build(&spec) => built,
            never = limit_builds(directory.as_ref(), limits) => match never {},
        };
        let error = built.result.expect_err("no room").to_string();
        assert!(error.contains("137"), "{error}");
    }
}

#[tokio::test]
async fn hosts_limits_and_shared_memory_are_as_asked_where_the_engine_knows_them() {
    let bench = Bench::new(&[]);
    let hosts = ImageBuildSpec {
        extra_hosts: vec![
            ExtraHost {
                name: "db.internal".to_owned(),
                address: [10, 1, 2, 3].into(),
            },
            ExtraHost {
                name: "db6.internal".to_owned(),
                address: "fd00::1".parse().expect("an address"),
            },
        ],
        ..inline("FROM BASE\nRUN cat /etc/hosts\n")
    };
    let built = bench.build(&hosts).await;
    built.id();
    for host in ["10.1.2.3\tdb.internal", "fd00::1\tdb6.internal"] {
        assert!(built.lines().contains(&host), "{:?}", built.lines());
    }
    let limits = ImageBuildSpec {
        shm_size: Some(32 << 20),
        ulimits: BTreeMap::from([(
            "nofile".to_owned(),
            Ulimit {
                soft: 123,
                hard: 456,
            },
        )]),
        ..inline("FROM BASE\nRUN ulimit -n; busybox df -k /dev/shm\n")
    };
    let built = bench.build(&limits).await;
    match &built.result {
        Ok(_) => {
            assert_eq!(built.lines()[0], "123");
            assert!(built.lines()[2].contains(" 32768 "), "{:?}", built.lines());
        }
        Err(error) => assert!(matches!(error, ImageBuildError::TooOld { .. }), "{error:?}"),
    }
}
