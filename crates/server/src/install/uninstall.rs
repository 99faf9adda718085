//! Taking Landfall from a server, on the server and as root. What apps have stays.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::{InstallError, file, is_root, run};
use crate::layout::{AGENT_UNIT, HOST_CONFIG, INSTALLED, PROXY_UNIT, UNITS, VERSIONS};

/// Stops agent and proxy for good. Apps go on.
///
/// # Errors
/// When they cannot be stopped.
pub fn stop() -> Result<(), InstallError> {
    if !is_root() {
        return Err(InstallError::NotRoot);
    }
    for unit in [AGENT_UNIT, PROXY_UNIT] {
        if Path::new(UNITS).join(unit).exists() {
            run("systemctl", &["disable", "--quiet", "--now", unit])?;
        }
    }
    Ok(())
}

/// Removes what was installed; after [`stop`].
///
/// # Errors
/// When a file cannot be removed.
pub fn remove() -> Result<(), InstallError> {
    let units = [AGENT_UNIT, PROXY_UNIT].map(|unit| Path::new(UNITS).join(unit));
    let files = units.iter().map(|path| path.as_path());
    for path in files.chain([Path::new(INSTALLED), Path::new(HOST_CONFIG)]) {
        gone(fs::remove_file(path), path)?;
    }
    gone(fs::remove_dir_all(VERSIONS), Path::new(VERSIONS))?;
    run("systemctl", &["daemon-reload"])
}

fn gone(removed: std::io::Result<()>, path: &Path) -> Result<(), InstallError> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(file("remove", path)(error)),
        _ => Ok(()),
    }
}
