//! What keeps the instances of apps: processes, and containers of the engine of this machine.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use landfall_runtime::Runtimes;
use landfall_runtime::docker::{DEFAULT_SOCKET, DockerRuntime, DockerRuntimeOptions, socket_of};
use landfall_runtime::process::{ProcessRuntime, ProcessRuntimeOptions};

use crate::paths::StatePaths;

/// The instances of apps in a state directory. `shim` is the program that is a shim, and the
/// arguments before its own. The engine is asked nothing before a container is to run; there is
/// none where `DOCKER_HOST` names one elsewhere.
///
/// # Errors
/// When the id of the state directory can be neither read nor written.
pub fn runtimes(paths: &StatePaths, shim: Vec<String>) -> io::Result<Runtimes> {
    let processes = ProcessRuntime::new(ProcessRuntimeOptions {
        instances_dir: paths.instances(),
        shim,
    });
    let socket = match std::env::var("DOCKER_HOST") {
        Ok(host) if !host.is_empty() => socket_of(&host),
        _ => Some(PathBuf::from(DEFAULT_SOCKET)),
    };
    let docker = match socket {
        None => None,
        Some(socket) => Some(DockerRuntime::new(DockerRuntimeOptions {
            socket,
            home: home(&paths.home_id())?,
            records_dir: paths.containers(),
        })),
    };
    Ok(Runtimes::new(processes, docker))
}

/// The id by which what this state directory has at an engine is known. It moves with the
/// directory, unlike its path; it is made once, whoever comes first.
fn home(file: &Path) -> io::Result<String> {
    loop {
        match fs::read_to_string(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            read => return read.map(|id| id.trim().to_owned()),
        }
        let dir = file.parent().unwrap_or(Path::new("/"));
        let mut made = unfinished(dir)?;
        let id: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(12)
            .collect();
        made.1.write_all(id.as_bytes())?;
        made.1.sync_all()?;
        let linked = fs::hard_link(&made.0, file);
        fs::remove_file(&made.0)?;
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
}

fn unfinished(dir: &Path) -> io::Result<(PathBuf, fs::File)> {
    let path = dir.join(format!(".home-id.{}", std::process::id()));
    let file = fs::File::create(&path)?;
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_keeps_its_id() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("home-id");
        let first = home(&file).unwrap();
        assert_eq!(first.len(), 12);
        assert_eq!(home(&file).unwrap(), first);
        let other = home(&dir.path().join("another")).unwrap();
        assert_ne!(other, first);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            2,
            "nothing is left over"
        );
    }
}
