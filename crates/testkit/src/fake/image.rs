//! A host and its disk at one moment, to go on from again and again.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::host::{Host, State};

/// All that survives when an agent is killed at one moment.
#[derive(Clone)]
pub struct Image {
    state: State,
    disk: Vec<(PathBuf, Entry)>,
}

#[derive(Clone)]
enum Entry {
    Dir,
    File(Vec<u8>),
    Link(PathBuf),
}

impl Host {
    /// What would survive if the agent were killed now. `root` is its state directory.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn image(&self, root: &Path) -> io::Result<Image> {
        let now = self.now();
        let mut state = self.state().clone();
        state.begun = now;
        let mut disk = Vec::new();
        read(root, Path::new(""), &mut disk)?;
        Ok(Image { state, disk })
    }
}

impl Image {
    /// The host as it was, and its disk in `root`, whatever is there now.
    ///
    /// # Errors
    /// When `root` cannot be written.
    pub fn restore(&self, root: &Path) -> io::Result<Arc<Host>> {
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        for (path, entry) in &self.disk {
            let path = root.join(path);
            match entry {
                Entry::Dir => fs::create_dir(path)?,
                Entry::File(bytes) => fs::write(path, bytes)?,
                Entry::Link(to) => symlink(to, path)?,
            }
        }
        Ok(Arc::new(Host::with(self.state.clone())))
    }
}

fn read(root: &Path, below: &Path, disk: &mut Vec<(PathBuf, Entry)>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let (path, kind) = (below.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            disk.push((path.clone(), Entry::Dir));
            read(root, &path, disk)?;
        } else if kind.is_symlink() {
            disk.push((path, Entry::Link(fs::read_link(entry.path())?)));
        } else if !entry.file_name().to_string_lossy().ends_with("-shm") {
            // SQLite makes that one anew from the log.
            disk.push((path, Entry::File(fs::read(entry.path())?)));
        }
    }
    Ok(())
}
