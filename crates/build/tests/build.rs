//! Builds from their command to the artifact in the store.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use landfall_build::{
    BuildError, BuildRequest, Ended, OutputLine, Stream, collect_outputs, run_all, run_build,
};
use landfall_content::ContentStore;
use landfall_model::CommandSpec;
use landfall_model::env::{EnvValues, Secret};
use landfall_model::spec::{BuildSpec, OutputSpec};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Long enough for the busiest machine; reached only when a test fails.
const DEADLINE: Duration = Duration::from_secs(60);

fn spec(shell: &str, output: &str) -> BuildSpec {
    BuildSpec {
        run: Some(CommandSpec::Shell(shell.into())),
        inputs: vec![],
        output: vec![OutputSpec {
            from: output.into(),
            to: ".".into(),
        }],
        exclude: vec![],
        env: BTreeMap::from([("FROM_SPEC".into(), "spec".into())]),
        timeout: DEADLINE,
    }
}

fn env() -> EnvValues {
    let path = Secret::new("/usr/local/bin:/usr/bin:/bin");
    BTreeMap::from([
        ("PATH".into(), path),
        ("FROM_USER".into(), Secret::new("user")),
    ])
}

async fn run(root: &Path, spec: &BuildSpec) -> (Result<(), BuildError>, Vec<OutputLine>) {
    let (output, mut lines) = mpsc::channel(4);
    let env = env();
    let build = run_build(BuildRequest {
        root,
        spec,
        env: &env,
        before_exec: None,
        output,
    });
    let collect = async {
        let mut all = Vec::new();
        while let Some(line) = lines.recv().await {
            all.push(line);
        }
        all
    };
    timeout(DEADLINE, async { tokio::join!(build, collect) })
        .await
        .expect("the build hangs")
}

/// Waits until `path` holds a process id, and returns it.
async fn pid_in(path: &Path) -> Pid {
    let wait = async {
        loop {
            let text = fs::read_to_string(path).unwrap_or_default();
            if let Some(pid) = text.strip_suffix('\n').and_then(|text| text.parse().ok()) {
                return Pid::from_raw(pid).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, wait)
        .await
        .expect("no process id was written")
}

/// Waits until a process is gone, or a zombie that nobody has reaped yet.
async fn is_gone(pid: Pid) {
    let wait = async {
        loop {
            let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
            let dead = stat.map_or(true, |stat| stat.contains(") Z"));
            if dead || test_kill_process(pid).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if timeout(DEADLINE, wait).await.is_err() {
        let _ = kill_process(pid, Signal::KILL);
        panic!("the process lives on");
    }
}

#[tokio::test]
async fn lines_come_with_their_stream_and_fit_to_be_shown() {
    let root = tempfile::tempdir().unwrap();
    let shell = r#"echo "$FROM_USER $FROM_SPEC"; printf 'a\377b\n10%%\r100%%\n' >&2;
        head -c 100000 /dev/zero | tr '\0' x; printf '\nno end'"#;
    let (result, lines) = run(root.path(), &spec(shell, "out")).await;
    result.unwrap();
    let of = |stream| {
        let chosen = lines.iter().filter(move |line| line.stream == stream);
        chosen.map(|line| line.line.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of(Stream::Stderr), ["a\u{fffd}b", "100%"]);
    let stdout = of(Stream::Stdout);
    assert_eq!((stdout[0], stdout[2]), ("user spec", "no end"));
    assert!(
        stdout[1].ends_with("x … (91808 more bytes)"),
        "{}",
        stdout[1].len()
    );
}

#[tokio::test]
async fn only_the_given_environment_reaches_the_command() {
    let root = tempfile::tempdir().unwrap();
    let (result, lines) = run(root.path(), &spec("/usr/bin/env", "out")).await;
    result.unwrap();
    let mut names: Vec<&str> = lines
        .iter()
        .filter_map(|l| l.line.split('=').next())
        .collect();
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort();
    assert_eq!(names, ["FROM_SPEC", "FROM_USER", "PATH"]);
}

#[tokio::test]
async fn b2_a_failed_build_says_how_it_ended_and_its_last_lines() {
    let root = tempfile::tempdir().unwrap();
    let (result, _) = run(root.path(), &spec("seq 100; echo bad >&2; exit 3", "out")).await;
    let error = result.unwrap_err();
    assert!(error.to_string().contains("exited with code 3"), "{error}");
    assert_eq!(error.tail().len(), 40);
    assert!(error.tail().contains(&"bad".to_owned()));
    let (result, _) = run(root.path(), &spec("kill -TERM $$", "out")).await;
    let Err(BuildError::Failed { ended, .. }) = result else {
        panic!("{result:?}")
    };
    assert_eq!(ended, Ended::Signal(15));
    let mut missing = spec("", "out");
    missing.run = Some(CommandSpec::Argv(vec!["no-such-program".into()]));
    let (result, _) = run(root.path(), &missing).await;
    assert!(result.unwrap_err().to_string().contains("no-such-program"));
}

#[tokio::test]
async fn a_build_that_takes_too_long_is_killed_with_its_grandchildren() {
    let root = tempfile::tempdir().unwrap();
    let shell = "echo begun; sh -c 'echo $$ >pid; exec sleep 600' & wait";
    let slow = BuildSpec {
        timeout: Duration::from_secs(2),
        ..spec(shell, "out")
    };
    let (result, _) = run(root.path(), &slow).await;
    let error = result.unwrap_err();
    assert!(matches!(error, BuildError::TimedOut { .. }), "{error}");
    assert_eq!(error.tail(), ["begun"]);
    is_gone(pid_in(&root.path().join("pid")).await).await;
}

#[tokio::test]
async fn a_cancelled_build_is_killed_with_its_grandchildren() {
    let root = tempfile::tempdir().unwrap();
    let spec = spec("sh -c 'echo $$ >pid; exec sleep 600' & wait", "out");
    let pid_file = root.path().join("pid");
    let grandchild = tokio::select! {
        pid = pid_in(&pid_file) => pid,
        (result, _) = run(root.path(), &spec) => panic!("ended by itself: {result:?}"),
    };
    is_gone(grandchild).await;
}

#[tokio::test]
async fn what_a_build_leaves_in_the_background_ends_with_it() {
    let root = tempfile::tempdir().unwrap();
    let shell = "sleep 600 & echo $! >pid; echo done";
    let (result, lines) = run(root.path(), &spec(shell, "out")).await;
    result.unwrap();
    assert_eq!(lines.len(), 1);
    is_gone(pid_in(&root.path().join("pid")).await).await;
}

#[tokio::test]
async fn c4_one_failing_build_keeps_no_other_from_ending() {
    let root = tempfile::tempdir().unwrap();
    let builds = ["exit 0", "exit 1", "exit 0", "exit 2"];
    let results = run_all(builds.into_iter().enumerate(), 2, |_, shell| async {
        run(root.path(), &spec(shell, "out")).await.0.is_ok()
    })
    .await;
    assert_eq!(
        results.into_values().collect::<Vec<_>>(),
        [true, false, true, false]
    );
}

#[tokio::test]
async fn c3_no_more_builds_run_at_once_than_allowed() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    run_all((0..20).map(|n| (n, ())), 3, |_, ()| async {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        now.fetch_sub(1, Ordering::SeqCst);
    })
    .await;
    assert_eq!(most.into_inner(), 3);
}

#[tokio::test]
async fn c3_a_build_gives_way_to_running_apps() {
    let root = tempfile::tempdir().unwrap();
    // The command may look before it was told.
    let shell = r#"until [ "$(nice)" -ge 10 ]; do :; done"#;
    run(root.path(), &spec(shell, "out")).await.0.unwrap();
}

#[test]
fn outputs_become_an_artifact_without_what_is_left_out() {
    let (root, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = ContentStore::open(home.path()).unwrap();
    for path in ["dist/index.html", "dist/app.js.map", "dist/.git/HEAD"] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    let mut spec = spec("make", "dist");
    spec.exclude = vec!["**/*.map".into()];
    let made = collect_outputs(root.path(), &spec, &store).unwrap();
    assert_eq!(made.files, 1);
    assert!(store.contains_tree(&made.digest));
}

#[test]
fn a_single_file_becomes_an_artifact_under_its_own_name() {
    let (root, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(root.path().join("dist")).unwrap();
    fs::write(root.path().join("dist/server.js"), "serve()").unwrap();
    let store = ContentStore::open(store.path()).unwrap();
    let made = collect_outputs(root.path(), &spec("make", "dist/server.js"), &store).unwrap();
    let to = tempfile::tempdir().unwrap();
    store
        .materialise(&made.digest, &to.path().join("tree"))
        .unwrap();
    let file = to.path().join("tree/server.js");
    assert_eq!(fs::read_to_string(file).unwrap(), "serve()");
}

#[test]
fn a_whole_source_tree_is_shipped_without_its_configuration() {
    let (root, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["index.html", "landfall.toml"] {
        fs::write(root.path().join(name), name).unwrap();
    }
    let store = ContentStore::open(store.path()).unwrap();
    let made = collect_outputs(root.path(), &spec("make", "."), &store).unwrap();
    let to = tempfile::tempdir().unwrap();
    let tree = to.path().join("tree");
    store.materialise(&made.digest, &tree).unwrap();
    assert!(tree.join("index.html").exists());
    assert!(!tree.join("landfall.toml").exists());
}

#[test]
fn outputs_that_cannot_be_shipped_are_named_with_what_is_there_instead() {
    let (root, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = ContentStore::open(home.path()).unwrap();
    fs::create_dir_all(root.path().join(".next/server")).unwrap();
    fs::create_dir_all(root.path().join("empty")).unwrap();
    symlink("/usr", root.path().join("outside")).unwrap();
    let error = |from: &str| {
        let error = collect_outputs(root.path(), &spec("make", from), &store).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        error(".next/standalone"),
        r#"the build did not make ".next/standalone"; ".next" holds server"#
    );
    assert!(error("dist").contains("the source tree holds .next, empty, outside"));
    assert_eq!(error("empty"), r#"the output "empty" is empty"#);
    assert!(error("outside").contains("leads to /usr"));
    assert!(error("../x").contains("not a path inside the source tree"));
}

#[test]
fn a_program_of_the_host_needs_no_file_of_the_project() {
    let (root, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(root.path().join("landfall.toml"), "").unwrap();
    let store = ContentStore::open(store.path()).unwrap();
    let as_it_is = BuildSpec {
        run: None,
        ..spec("", ".")
    };
    let made = collect_outputs(root.path(), &as_it_is, &store).unwrap();
    let to = tempfile::tempdir().unwrap();
    let tree = to.path().join("tree");
    store.materialise(&made.digest, &tree).unwrap();
    assert_eq!(fs::read_dir(tree).unwrap().count(), 0);
}
