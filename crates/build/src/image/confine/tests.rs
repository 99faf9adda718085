//! Which steps are limited, and how.

use super::groups::path_below;
use super::*;

fn step(host: &str, path: &str) -> String {
    format!(r#"{{"hostname": "{host}", "linux": {{"cgroupsPath": "{path}"}}}}"#)
}

struct Machine(tempfile::TempDir);

impl Machine {
    /// With a step for each host name, `a` to `z`.
    fn new(hosts: &[&str], unified: bool) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for (host, name) in hosts.iter().zip('a'..='z') {
            let bundle = machine.dir("executor").join(name.to_string());
            fs::create_dir_all(&bundle).unwrap();
            let text = step(host, &format!("/docker/buildkit/{name}"));
            fs::write(bundle.join("config.json"), text).unwrap();
            for hierarchy in if unified {
                &["unified"][..]
            } else {
                &["cpu", "memory"]
            } {
                let dir = machine.dir(hierarchy).join("docker/buildkit");
                fs::create_dir_all(dir.join(name.to_string())).unwrap();
            }
        }
        machine
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn steps(&self) -> Steps {
        let is_there = |name| Some(self.dir(name)).filter(|dir| dir.is_dir());
        let hierarchies = Hierarchies {
            cpu: is_there("cpu"),
            memory: is_there("memory"),
            unified: is_there("unified"),
        };
        let limits = StepLimits {
            cpus: 1.5,
            memory: 4096,
        };
        Steps::new(self.dir("executor"), limits, &hierarchies)
    }

    fn limit(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.0.path().join(path)).ok()
    }
}

#[test]
fn c3_steps_of_landfall_share_the_cores_and_have_a_limit_of_memory_and_others_have_none() {
    let machine = Machine::new(&[HOST_NAME, "buildkitsandbox", HOST_NAME], false);
    let steps = machine.steps().look();
    let quota = |step| machine.limit(&format!("cpu/docker/buildkit/{step}/cpu.cfs_quota_us"));
    let memory = |step| {
        machine.limit(&format!(
            "memory/docker/buildkit/{step}/memory.limit_in_bytes"
        ))
    };
    assert_eq!(
        [quota("a"), quota("c")],
        [Some("75000".into()), Some("75000".into())]
    );
    assert_eq!(memory("a"), Some("4096".into()));
    assert_eq!((quota("b"), memory("b")), (None, None));

    fs::remove_dir_all(machine.dir("executor/c")).unwrap();
    steps.look();
    assert_eq!(quota("a"), Some("150000".into()), "it has them alone");
}

#[test]
fn c3_steps_are_limited_in_the_unified_hierarchy() {
    let machine = Machine::new(&[HOST_NAME], true);
    machine.steps().look();
    let limit = |file: &str| machine.limit(&format!("unified/docker/buildkit/a/{file}"));
    assert_eq!(limit("cpu.max"), Some("150000 100000".into()));
    assert_eq!(limit("memory.max"), Some("4096".into()));
}

#[test]
fn a_step_that_has_no_group_yet_is_limited_once_it_has() {
    let machine = Machine::new(&[HOST_NAME], false);
    let group = machine.dir("cpu/docker/buildkit/a");
    fs::remove_dir(&group).unwrap();
    let steps = machine.steps().look();
    fs::create_dir(&group).unwrap();
    steps.look();
    assert!(group.join("cpu.cfs_quota_us").is_file());
}

#[test]
fn groups_are_found_as_paths_and_as_scopes_of_systemd() {
    for (path, dir) in [
        ("/docker/buildkit/x", "docker/buildkit/x"),
        ("system.slice:docker:x", "system.slice/docker-x.scope"),
        ("a-b.slice:docker:x", "a.slice/a-b.slice/docker-x.scope"),
    ] {
        assert_eq!(path_below(path), PathBuf::from(dir), "{path}");
    }
}

#[test]
fn hierarchies_are_read_from_the_mounts_of_both_versions() {
    let first = "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
                 cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n\
                 cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";
    let expected = Hierarchies {
        cpu: Some("/sys/fs/cgroup/cpu,cpuacct".into()),
        memory: Some("/sys/fs/cgroup/memory".into()),
        unified: Some("/sys/fs/cgroup/unified".into()),
    };
    assert_eq!(Hierarchies::parse(first), expected);
    let second = "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\nbroken\n";
    assert_eq!(
        Hierarchies::parse(second).unified,
        Some("/sys/fs/cgroup".into())
    );
}

#[test]
fn free_memory_is_what_the_kernel_says_is_available() {
    let meminfo = "MemTotal:       24672072 kB\nMemAvailable:    2048 kB\n";
    assert_eq!(available(meminfo), Some(2 << 20));
    assert_eq!(available(""), None);
    assert!(StepLimits::of_this_machine().memory >= SMALLEST_MEMORY);
}
