//! Shims found by their command line: the way to those whose directory someone has removed. They
//! put it back within a second; until then neither the lock nor a record tells of them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use landfall_model::InstanceId;

/// Whether a shim of this user serves the instance in this directory.
pub(super) fn serves(dir: &Path) -> bool {
    all_dirs().any(|served| served == dir)
}

/// The instances below a directory that a shim of this user serves.
pub(super) fn served_below(instances_dir: &Path) -> BTreeSet<InstanceId> {
    all_dirs()
        .filter(|dir| dir.parent() == Some(instances_dir))
        .filter_map(|dir| dir.file_name()?.to_str()?.parse().ok())
        .collect()
}

fn all_dirs() -> impl Iterator<Item = PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        entry.file_name().to_str()?.parse::<u32>().ok()?;
        // Someone else's process may call itself anything.
        if entry.metadata().ok()?.uid() != user {
            return None;
        }
        served_dir(&std::fs::read(entry.path().join("cmdline")).ok()?)
    })
}

/// `…\0--dir\0DIR\0`, as `launch` puts it.
fn served_dir(cmdline: &[u8]) -> Option<PathBuf> {
    let mut args = cmdline.strip_suffix(b"\0")?.rsplit(|&byte| byte == 0);
    let dir = args.next()?;
    (args.next()? == b"--dir").then(|| PathBuf::from(OsStr::from_bytes(dir)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_command_line_that_ends_like_a_shims_is_one() {
        let dir = |line: &str| served_dir(line.as_bytes());
        assert_eq!(
            dir("/bin/landfall\0shim\0--dir\0/a b/c\0"),
            Some("/a b/c".into())
        );
        for other in [
            "",
            "\0",
            "sleep\0forever\0",
            "x\0--dir\0/a\0--more\0",
            "--dir\0",
        ] {
            assert_eq!(dir(other), None, "{other:?}");
        }
    }
}
