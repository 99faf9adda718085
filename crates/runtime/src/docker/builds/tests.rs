//! Which steps are limited, and how.

use super::step::path_below;
use super::*;

fn step(host: &str, path: &str) -> String {
    format!(r#"{{"hostname": "{host}", "linux": {{"cgroupsPath": "{path}"}}}}"#)
}

const FIRST: [(&str, &[&str]); 2] = [
    ("cpu", &["cpu.cfs_period_us", "cpu.cfs_quota_us"]),
    ("memory", &["memory.limit_in_bytes"]),
];
const SECOND: [(&str, &[&str]); 1] = [("unified", &["cpu.max", "memory.max", "memory.swap.max"])];

struct Machine {
    dir: tempfile::TempDir,
    hierarchies: &'static [(&'static str, &'static [&'static str])],
}

impl Machine {
    /// With a step for each host name, `a` to `z`.
    fn new(
        hosts: &[&str],
        hierarchies: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        let machine = Self {
            dir: tempfile::tempdir().unwrap(),
            hierarchies,
        };
        for (host, name) in hosts.iter().zip('a'..='z') {
            let bundle = machine.dir("executor").join(name.to_string());
            fs::create_dir_all(&bundle).unwrap();
            let text = step(host, &format!("/docker/buildkit/{name}"));
            fs::write(bundle.join("config.json"), text).unwrap();
            machine.make_groups(name);
        }
        machine
    }

    fn make_groups(&self, step: char) {
        for (hierarchy, files) in self.hierarchies {
            let dir = self.dir(&format!("{hierarchy}/docker/buildkit/{step}"));
            fs::create_dir_all(&dir).unwrap();
            for file in *files {
                fs::write(dir.join(file), "").unwrap();
            }
        }
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn steps(&self) -> Steps {
        let mount = |(name, _): &(&str, _)| {
            let kind = if *name == "unified" {
                "cgroup2"
            } else {
                "cgroup"
            };
            let point = self.dir(name);
            format!(
                "1 0 0:1 / {} rw - {kind} {kind} rw,{name}\n",
                point.display()
            )
        };
        let mounts: String = self.hierarchies.iter().map(mount).collect();
        let limits = StepLimits {
            cpus: 1.5,
            memory: 4096,
        };
        Steps::new(self.dir("executor"), limits, Mounts::of(&mounts))
    }

    fn limit(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.dir(path)).ok()
    }
}

#[test]
fn c3_steps_of_landfall_share_the_cores_and_have_a_limit_of_memory_and_others_have_none() {
    let machine = Machine::new(&[BUILD_HOST, "buildkitsandbox", BUILD_HOST], &FIRST);
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
    assert_eq!(
        [quota("b"), memory("b")],
        [Some(String::new()), Some(String::new())]
    );

    fs::remove_dir_all(machine.dir("executor/c")).unwrap();
    steps.look();
    assert_eq!(quota("a"), Some("150000".into()), "it has them alone");
}

#[test]
fn c3_steps_are_limited_in_the_unified_hierarchy() {
    let machine = Machine::new(&[BUILD_HOST], &SECOND);
    machine.steps().look();
    let limit = |file: &str| machine.limit(&format!("unified/docker/buildkit/a/{file}"));
    assert_eq!(limit("cpu.max"), Some("150000 100000".into()));
    assert_eq!(limit("memory.max"), Some("4096".into()));
    assert_eq!(limit("memory.swap.max"), Some("0".into()));
}

#[test]
fn a_step_that_has_no_group_yet_is_limited_once_it_has() {
    let machine = Machine::new(&[BUILD_HOST], &FIRST);
    let group = machine.dir("cpu/docker/buildkit/a");
    fs::remove_dir_all(&group).unwrap();
    let steps = machine.steps().look();
    machine.make_groups('a');
    steps.look();
    let quota = machine.limit("cpu/docker/buildkit/a/cpu.cfs_quota_us");
    assert_eq!(quota, Some("150000".into()));
}

#[test]
fn groups_are_found_as_paths_and_as_scopes_of_systemd() {
    for (path, dir) in [
        ("/docker/buildkit/x", "/docker/buildkit/x"),
        ("system.slice:docker:x", "/system.slice/docker-x.scope"),
        ("a-b.slice:docker:x", "/a.slice/a-b.slice/docker-x.scope"),
    ] {
        assert_eq!(path_below(path), PathBuf::from(dir), "{path}");
    }
}

#[test]
fn free_memory_is_what_the_kernel_says_is_available() {
    let meminfo = "MemTotal:       24672072 kB\nMemAvailable:    2048 kB\n";
    assert_eq!(available(meminfo), Some(2 << 20));
    assert_eq!(available(""), None);
    assert!(StepLimits::of_this_machine().memory >= SMALLEST_MEMORY);
}
