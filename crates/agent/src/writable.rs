//! Paths that the app writes and that outlive its releases: directories beside the releases,
//! linked into each tree.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// `persistent/path`, when nothing on the way there is the app's to change: an app that could put a
/// link in the place of a directory would have this process work on what is none of its business.
///
/// # Errors
/// When a directory above the last is a link or another user's.
fn trusted(persistent: &Path, path: &str) -> io::Result<PathBuf> {
    let own = rustix::process::geteuid().as_raw();
    let mut place = persistent.to_owned();
    let mut names = Path::new(path).components().peekable();
    while let Some(name) = names.next() {
        place.push(name);
        let found = match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            found => found?,
        };
        let is_last = names.peek().is_none();
        if found.is_symlink() || (!is_last && found.uid() != own) {
            let message = format!(
                "{} is the app's to change, so nothing below it is handled as a persistent path of \
                 its own; declare the outer path only",
                place.display()
            );
            return Err(io::Error::other(message));
        }
    }
    Ok(place)
}

/// Makes `tree/path` a link to `persistent/path`. What the artifact holds there seeds the
/// persistent directory the first time, and is dropped afterwards.
///
/// # Errors
/// When a file operation fails, or a link above the last part of the path leads out of the tree or
/// of what is kept: the agent may be root, and the app may have made the link.
pub fn link(tree: &Path, persistent: &Path, path: &str) -> io::Result<()> {
    let (inside, outside) = (tree.join(path), trusted(persistent, path)?);
    stays_in(tree, &inside)?;
    if inside.is_symlink() {
        return Ok(());
    }
    if let Some(parent) = outside.parent() {
        fs::create_dir_all(parent)?;
    }
    if let Some(parent) = inside.parent() {
        fs::create_dir_all(parent)?;
    }
    if !outside.exists() {
        seed(&inside, &outside)?;
    }
    match fs::remove_dir_all(&inside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(&outside, &inside)
}

/// Refuses a path whose parent, as far as it is there, is not in `root`.
fn stays_in(root: &Path, path: &Path) -> io::Result<()> {
    let there = path.ancestors().skip(1).find(|above| above.exists());
    let Some(there) = there.filter(|there| there.starts_with(root)) else {
        return Ok(());
    };
    match there.canonicalize()?.starts_with(root.canonicalize()?) {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "{} is behind a symbolic link that leads out of {}",
            path.display(),
            root.display()
        ))),
    }
}

fn seed(inside: &Path, outside: &Path) -> io::Result<()> {
    if !inside.is_dir() {
        return fs::create_dir_all(outside);
    }
    // Both are under the state directory; a rename is atomic where that is one filesystem.
    match fs::rename(inside, outside) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => fs::create_dir_all(outside),
        other => other,
    }
}

/// Removes everything below `persistent/path` and leaves the directory itself, so that running
/// instances find it empty, not gone. Files and bytes removed.
///
/// # Errors
/// When a file operation fails.
pub fn clear(persistent: &Path, path: &str) -> io::Result<(u64, u64)> {
    let dir = trusted(persistent, path)?;
    let (mut files, mut bytes) = (0, 0);
    let entries = match fs::read_dir(&dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((0, 0)),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let (more, size) = measure(&entry.path())?;
        files += more;
        bytes += size;
        let removed = match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path()),
            false => fs::remove_file(entry.path()),
        };
        match removed {
            // The app may have removed it first.
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok((files, bytes))
}

fn measure(path: &Path) -> io::Result<(u64, u64)> {
    let meta = fs::symlink_metadata(path)?;
    if !meta.is_dir() {
        return Ok((1, meta.len()));
    }
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(path)? {
        let (more, size) = measure(&entry?.path())?;
        files += more;
        bytes += size;
    }
    Ok((files, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b8_a_persistent_path_is_seeded_once_and_survives_releases() {
        let dir = tempfile::tempdir().unwrap();
        let persistent = dir.path().join("persistent");
        for (release, text) in [("1", "from release 1"), ("2", "from release 2")] {
            let tree = dir.path().join(release);
            fs::create_dir_all(tree.join("data/cache")).unwrap();
            fs::write(tree.join("data/cache/seed"), text).unwrap();
            link(&tree, &persistent, "data/cache").unwrap();
            link(&tree, &persistent, "data/cache").unwrap();
            let seen = fs::read_to_string(tree.join("data/cache/seed")).unwrap();
            assert_eq!(seen, "from release 1");
        }
        fs::write(dir.path().join("1/data/cache/made"), "at run time").unwrap();
        assert!(dir.path().join("2/data/cache/made").exists());
    }

    #[test]
    fn a_link_that_an_app_put_in_the_way_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (persistent, tree) = (dir.path().join("persistent"), dir.path().join("tree"));
        let foreign = dir.path().join("foreign");
        fs::create_dir_all(foreign.join("cron.d")).unwrap();
        fs::write(foreign.join("cron.d/job"), "theirs").unwrap();
        fs::create_dir_all(persistent.join("uploads")).unwrap();
        fs::create_dir(&tree).unwrap();
        symlink(&foreign, persistent.join("uploads/b")).unwrap();
        let refused = link(&tree, &persistent, "uploads/b/cron.d").unwrap_err();
        assert!(
            refused.to_string().contains("uploads/b is the app's"),
            "{refused}"
        );
        assert!(clear(&persistent, "uploads/b/cron.d").is_err());
        assert!(clear(&persistent, "uploads/b").is_err());
        assert!(foreign.join("cron.d/job").exists());
    }

    #[test]
    fn g5_no_link_leads_the_agent_out_of_a_release_or_of_what_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, kept) = (dir.path().join("tree"), dir.path().join("kept"));
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir_all(elsewhere.join("b")).unwrap();
        fs::create_dir_all(&tree).unwrap();
        fs::create_dir_all(&kept).unwrap();
        symlink(&elsewhere, tree.join("out")).unwrap();
        symlink(&elsewhere, kept.join("made")).unwrap();
        for path in ["out/b", "out/b/c", "made/b"] {
            let refused = link(&tree, &kept, path).unwrap_err();
            let said = refused.to_string();
            let why = ["leads out of", "is the app's to change"];
            assert!(why.iter().any(|why| said.contains(why)), "{refused}");
        }
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 1);
        assert!(elsewhere.join("b").is_dir());
    }

    #[test]
    fn b8_clearing_a_path_leaves_the_directory_in_place() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("cache/deep")).unwrap();
        fs::write(dir.path().join("cache/deep/file"), "12345").unwrap();
        assert_eq!(clear(dir.path(), "cache").unwrap(), (1, 5));
        assert_eq!(fs::read_dir(dir.path().join("cache")).unwrap().count(), 0);
        assert_eq!(clear(dir.path(), "never-made").unwrap(), (0, 0));
    }
}
