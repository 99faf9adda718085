//! Nothing of a box stays, however its test ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use landfall_testkit::server::{Disk, Kind, ServerBox, ServerEngine, ServerSpec, User};
use landfall_testkit::{process, wait_for, wait_until};

/// Set for the process that is to be killed: where it tells what it made.
const VICTIM: &str = "BOXES_VICTIM";
const SMALL: u64 = 16 << 20;

/// Boots a box with all that may stay; the engine's directory and the box's control group.
fn make_all(engine: &ServerEngine) -> (ServerBox<'_>, PathBuf, String) {
    let disk = Disk::Small(SMALL);
    let kind = Kind::Docker;
    let server = ServerBox::boot_with(engine, "mortal", ServerSpec { kind, disk });
    super::docker::import_busybox(&server, engine);
    let run = "docker run --detach busybox sleep 1000 && systemd-run --quiet sleep 1000";
    server.ssh(User::Root, run).ok();
    let socket = engine.docker().socket();
    let dir = socket.parent().expect("a directory").to_owned();
    let id = ["inspect", "--format", "{{.Id}}", "mortal"];
    let id = engine.docker().docker(&id);
    assert!(!groups(&id).is_empty());
    (server, dir, id)
}

/// The control groups of a container.
fn groups(id: &str) -> Vec<PathBuf> {
    let hierarchies = fs::read_dir("/sys/fs/cgroup").expect("control groups");
    let all = fs::read_dir("/sys/fs/cgroup/docker").into_iter().flatten();
    let of_each = hierarchies
        .flatten()
        .map(|hierarchy| hierarchy.path().join("docker").join(id));
    of_each
        .chain(all.flatten().map(|group| group.path()))
        .filter(|group| group.ends_with(id) && group.exists())
        .collect()
}

fn mounts(dir: &Path) -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
    let dir = dir.to_string_lossy();
    let below = mounts.lines().filter(|mount| mount.contains(&*dir));
    below.map(str::to_owned).collect()
}

#[test]
fn a_box_that_is_dropped_leaves_no_control_group_disk_or_mount() {
    let engine = ServerEngine::start();
    let hierarchies = fs::read_to_string("/proc/self/cgroup").expect("control groups");
    let (server, dir, id) = make_all(&engine);
    server.freeze();
    drop(server);
    assert_eq!(groups(&id), Vec::<PathBuf>::new());
    let disks = mounts(&dir)
        .into_iter()
        .filter(|mount| mount.contains(".mount"));
    assert_eq!(disks.collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(engine.docker().docker(&["volume", "ls", "--quiet"]), "");
    let after = fs::read_to_string("/proc/self/cgroup").expect("control groups");
    assert_eq!(after, hierarchies, "no hierarchy is added to the machine");
}

#[test]
fn a_test_that_is_killed_leaves_nothing_of_its_boxes() {
    if let Some(told) = std::env::var_os(VICTIM) {
        let engine = ServerEngine::start();
        let (_server, dir, id) = make_all(&engine);
        let partial = Path::new(&told).with_extension("partial");
        fs::write(&partial, format!("{}\n{id}", dir.display())).expect("a file");
        fs::rename(&partial, &told).expect("a file");
        loop {
            std::thread::park();
        }
    }
    let place = tempfile::tempdir().expect("a directory");
    let told = place.path().join("told");
    let mut victim = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "gone::a_test_that_is_killed_leaves_nothing_of_its_boxes",
        ])
        .env(VICTIM, &told)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("this program again");
    let made = wait_for(Duration::from_secs(180), "a box", || {
        assert!(victim.try_wait().expect("a child").is_none(), "it failed");
        fs::read_to_string(&told).ok()
    });
    let (dir, id) = made.split_once('\n').expect("a directory and a container");
    let dir = Path::new(dir);
    victim.kill().expect("a kill");
    victim.wait().expect("an end");
    wait_until(Duration::from_secs(60), "all to be gone", || {
        !dir.exists()
            && groups(id).is_empty()
            && mounts(dir).is_empty()
            && process::belonging_to(dir).is_empty()
    });
}
