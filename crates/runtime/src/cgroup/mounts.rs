//! Where the control group hierarchies are mounted, and where in them this process is.

use std::path::{Path, PathBuf};

/// Directories of the groups that this process is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// In the unified hierarchy: its mount point, and the group in it.
    pub v2: Option<(PathBuf, PathBuf)>,
    /// In the hierarchies of version 1: the controllers of each, and the group.
    pub v1: Vec<(Vec<String>, PathBuf)>,
}

impl Layout {
    /// The group of version 1 that has a controller.
    pub fn v1_dir(&self, controller: &str) -> Option<&Path> {
        self.v1
            .iter()
            .find(|(controllers, _)| controllers.iter().any(|known| known == controller))
            .map(|(_, dir)| dir.as_path())
    }
}

/// Reads the layout; empty where there is none.
pub(super) fn read() -> Layout {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    parse(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"))
}

pub(super) fn parse(mountinfo: &str, cgroup: &str) -> Layout {
    let mut layout = Layout::default();
    for mount in mountinfo.lines().filter_map(parse_mount) {
        for (controllers, path) in cgroup.lines().filter_map(parse_membership) {
            let Some(dir) = mount.dir_of(path) else {
                continue;
            };
            if mount.kind == "cgroup2" && controllers.is_empty() {
                layout.v2 = Some((mount.point.clone(), dir));
            } else if mount.kind == "cgroup" && is_mounted_with(&mount, &controllers) {
                layout.v1.push((controllers, dir));
            }
        }
    }
    layout
}

struct Mount<'a> {
    root: &'a str,
    point: PathBuf,
    kind: &'a str,
    options: &'a str,
}

impl Mount<'_> {
    /// Where a group of the hierarchy is seen through this mount, which may show only a part.
    fn dir_of(&self, path: &str) -> Option<PathBuf> {
        let below = Path::new(path).strip_prefix(self.root).ok()?;
        Some(if below.as_os_str().is_empty() {
            self.point.clone()
        } else {
            self.point.join(below)
        })
    }
}

/// `36 35 98:0 /root /point rw,noatime shared:1 - cgroup cgroup rw,memory`
fn parse_mount(line: &str) -> Option<Mount<'_>> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(3);
    let mut after = after.split(' ');
    Some(Mount {
        root: before.next()?,
        point: PathBuf::from(before.next()?),
        kind: after.next()?,
        options: after.nth(1)?,
    })
}

/// `4:memory:/some/group`; version 2 is `0::/some/group`.
fn parse_membership(line: &str) -> Option<(Vec<String>, &str)> {
    let mut fields = line.splitn(3, ':').skip(1);
    let controllers = fields.next()?;
    let path = fields.next()?;
    let controllers = controllers.split(',').filter(|name| !name.is_empty());
    Some((controllers.map(str::to_owned).collect(), path))
}

fn is_mounted_with(mount: &Mount<'_>, controllers: &[String]) -> bool {
    let first = controllers.first();
    first.is_some_and(|first| mount.options.split(',').any(|option| option == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_found_side_by_side() {
        let layout = parse(
            "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
             31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
             32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
             33 25 0:29 / /proc rw - proc proc rw\n",
            "4:memory:/a/b\n3:cpu,cpuacct:/\n1:name=systemd:/x\n0::/u\n",
        );
        assert_eq!(
            layout.v1_dir("memory"),
            Some(Path::new("/sys/fs/cgroup/memory/a/b"))
        );
        assert_eq!(
            layout.v1_dir("cpu"),
            Some(Path::new("/sys/fs/cgroup/cpu,cpuacct"))
        );
        assert_eq!(layout.v1_dir("pids"), None);
        let unified = PathBuf::from("/sys/fs/cgroup/unified");
        assert_eq!(layout.v2, Some((unified.clone(), unified.join("u"))));
    }

    #[test]
    fn a_mount_that_shows_only_a_part_of_the_hierarchy_is_understood() {
        let mount = "30 25 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        let inside = parse(mount, "0::/docker/abc/app\n");
        assert_eq!(
            inside.v2.map(|v2| v2.1),
            Some(PathBuf::from("/sys/fs/cgroup/app"))
        );
        assert_eq!(parse(mount, "0::/elsewhere\n"), Layout::default());
    }
}
