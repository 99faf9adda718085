//! Files that are whole or not there.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{InstallError, file};

/// Writes a file unless it holds this already; whether it did not.
pub(super) fn write_if_other(path: &Path, content: &[u8], mode: u32) -> Result<bool, InstallError> {
    if fs::read(path).is_ok_and(|found| found == content) {
        return Ok(false);
    }
    let directory = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(directory).map_err(file("make", directory))?;
    let failed = |source| file("write", path)(source);
    let mut temporary = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    temporary.write_all(content).map_err(failed)?;
    let permissions = fs::Permissions::from_mode(mode);
    temporary
        .as_file()
        .set_permissions(permissions)
        .map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary
        .persist(path)
        .map_err(|error| failed(error.error))?;
    sync(directory)?;
    Ok(true)
}

/// Makes names in a directory last.
pub(super) fn sync(directory: &Path) -> Result<(), InstallError> {
    let synced = fs::File::open(directory).and_then(|opened| opened.sync_all());
    synced.map_err(file("write", directory))
}
