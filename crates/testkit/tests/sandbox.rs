//! A sandbox leaves nothing behind.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use landfall_testkit::{Project, Sandbox, process, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

/// A process that would go on for an hour, and a child of its own.
fn long_running() -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "sleep 3600 & wait"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    command
}

/// Reaps a child that was killed, so that it does not stay as a zombie of the test.
fn reap(mut child: std::process::Child) {
    child.wait().unwrap();
}

#[test]
fn processes_with_its_state_directory_in_their_environment_die_with_it() {
    let sandbox = Sandbox::new();
    let dir = sandbox.dir().to_owned();
    let home = sandbox.home();
    let child = long_running()
        .env("LANDFALL_HOME", home)
        .current_dir("/")
        .spawn()
        .unwrap();
    wait_until(PATIENCE, "both processes", || {
        sandbox.processes().len() == 2
    });
    drop(sandbox);
    reap(child);
    assert_eq!(process::belonging_to(&dir), []);
    assert!(!dir.exists());
}

#[test]
fn processes_that_work_in_it_die_with_it() {
    let sandbox = Sandbox::new();
    let dir = sandbox.dir().to_owned();
    let child = long_running().current_dir(&dir).spawn().unwrap();
    wait_until(PATIENCE, "both processes", || {
        sandbox.processes().len() == 2
    });
    drop(sandbox);
    reap(child);
    assert_eq!(process::belonging_to(&dir), []);
}

#[test]
fn processes_of_other_sandboxes_live_on() {
    let (ours, theirs) = (Sandbox::new(), Sandbox::new());
    let child = long_running().current_dir(theirs.dir()).spawn().unwrap();
    wait_until(PATIENCE, "both processes", || theirs.processes().len() == 2);
    drop(ours);
    assert_eq!(theirs.processes().len(), 2);
    drop(theirs);
    reap(child);
}

#[test]
fn a_hello_project_is_built_by_copying_and_says_its_version() {
    let sandbox = Sandbox::new();
    let project = Project::hello(&sandbox);
    project.release("v9", "unhealthy");
    project.edit("within = \"60s\"", "within = \"3s\"");
    let toml = project.read("landfall.toml");
    assert!(
        toml.contains("expect = \"v9\"") && toml.contains("within = \"3s\""),
        "{toml}"
    );
    assert!(project.read("hello.json").contains("unhealthy"));
    assert!(is_executable(&project.dir().join("bin/hello")));
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().unwrap().permissions().mode() & 0o111 != 0
}
