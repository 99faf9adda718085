//! The binary: every version in a directory of its own, and one link that says which is in force.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::files::{sync, write_if_other};
use super::{InstallError, InstallRequest, Part, file};
use crate::layout::{INSTALLED, VERSIONS};

/// Digits of the content's digest in a directory's name: builds of one version differ.
const DIGITS: usize = 12;

/// Where a binary of this version and content is on a server.
pub fn path_of(version: &str, content: &[u8]) -> PathBuf {
    let digest = landfall_model::Digest::of(content).hex();
    let directory = format!("{version}-{}", &digest[..DIGITS]);
    Path::new(VERSIONS).join(directory).join("landfall")
}

/// Puts the binary in place and makes it the one in force; whether another was before.
pub(super) fn install(
    request: &InstallRequest,
    tell: &mut dyn FnMut(Part),
) -> Result<bool, InstallError> {
    let content = fs::read(&request.program).map_err(file("read", &request.program))?;
    let program = path_of(&request.version, &content);
    write_if_other(&program, &content, 0o755)?;
    let is_new = in_force().as_ref() != Some(&program);
    if is_new {
        put_in_force(&program)?;
    }
    tell(Part {
        what: format!("{INSTALLED}: version {}", request.version),
        is_new,
    });
    Ok(is_new)
}

/// The binary that is in force.
pub(super) fn in_force() -> Option<PathBuf> {
    fs::read_link(INSTALLED).ok()
}

/// Makes a binary the one in force.
pub(super) fn put_in_force(program: &Path) -> Result<(), InstallError> {
    let link = Path::new(INSTALLED);
    point(link, program).map_err(file("set", link))?;
    sync(link.parent().unwrap_or(Path::new("/")))
}

/// Removes versions that are neither in force nor were before. What still runs of them goes on.
pub(super) fn forget_except(before: Option<&Path>) -> Result<(), InstallError> {
    let now = in_force();
    let kept = [now.as_deref(), before];
    let directories = fs::read_dir(VERSIONS).map_err(file("list", Path::new(VERSIONS)))?;
    for entry in directories.flatten() {
        let directory = entry.path();
        if !kept
            .iter()
            .flatten()
            .any(|program| program.starts_with(&directory))
        {
            fs::remove_dir_all(&directory).map_err(file("remove", &directory))?;
        }
    }
    Ok(())
}

/// Makes a link point there, at once for everyone who looks.
fn point(link: &Path, to: &Path) -> io::Result<()> {
    let directory = link.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(directory)?;
    let new = directory.join(format!(".landfall.{}", std::process::id()));
    let _ = fs::remove_file(&new);
    symlink(to, &new)?;
    fs::rename(&new, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_moves_in_one_step() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("bin/landfall");
        for version in ["1", "2"] {
            point(&link, Path::new(version)).unwrap();
            assert_eq!(fs::read_link(&link).unwrap(), Path::new(version));
        }
        assert_eq!(fs::read_dir(dir.path().join("bin")).unwrap().count(), 1);
    }
}
