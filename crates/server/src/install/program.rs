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

/// Where a binary of this version and content is.
pub fn version_directory(version: &str, content: &[u8]) -> PathBuf {
    let digest = landfall_model::Digest::of(content).hex();
    Path::new(VERSIONS).join(format!("{version}-{}", &digest[..DIGITS]))
}

/// Puts the binary in place and makes it the one in force; whether another was before.
pub(super) fn install(
    request: &InstallRequest,
    tell: &mut dyn FnMut(Part),
) -> Result<bool, InstallError> {
    let content = fs::read(&request.program).map_err(file("read", &request.program))?;
    let program = version_directory(&request.version, &content).join("landfall");
    write_if_other(&program, &content, 0o755)?;
    let link = Path::new(INSTALLED);
    let is_new = fs::read_link(link).ok().as_deref() != Some(&program);
    if is_new {
        point(link, &program).map_err(file("set", link))?;
        sync(link.parent().unwrap_or(Path::new("/")))?;
    }
    tell(Part {
        what: format!("{INSTALLED}: version {}", request.version),
        is_new,
    });
    Ok(is_new)
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
