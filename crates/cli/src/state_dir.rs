//! Where Landfall keeps its state for this user, from the environment.

use std::env;
use std::path::{Path, PathBuf};

use landfall_agent::paths::{HOST_RUN, HOST_STATE, StatePaths};

use crate::command_error::{CommandError, CommandResult};

/// Longest path that a unix socket can have on Linux, its end mark not counted.
const SOCKET_PATH_MAX: usize = 107;

/// The state directory: `LANDFALL_HOME`, else that of the agent of this host, where it has one, else
/// `$XDG_STATE_HOME/landfall`, else `~/.local/state/landfall`.
///
/// # Errors
/// When none of these is set, or the path is too long for the sockets in it.
pub fn state_paths() -> CommandResult<StatePaths> {
    let named = variable("LANDFALL_HOME");
    let is_hosts = named
        .as_deref()
        .is_none_or(|root| root == Path::new(HOST_STATE));
    if is_hosts && Path::new(HOST_RUN).is_dir() {
        return Ok(StatePaths::of_host());
    }
    let paths = StatePaths::new(own_state()?);
    let socket = paths.agent_socket();
    if socket.as_os_str().len() > SOCKET_PATH_MAX {
        let message = format!(
            "the path of the agent's socket is longer than {SOCKET_PATH_MAX} bytes: {}",
            socket.display()
        );
        return Err(CommandError::usage(message).hint("set LANDFALL_HOME to a shorter path"));
    }
    Ok(paths)
}

/// The directory for what this user's commands keep, which is the state directory where the agent
/// is not that of a host.
///
/// # Errors
/// When nothing names a place for it.
pub fn own_state() -> CommandResult<PathBuf> {
    let root = variable("LANDFALL_HOME")
        .or_else(|| variable("XDG_STATE_HOME").map(|state| state.join("landfall")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/landfall")))
        .ok_or_else(|| {
            CommandError::usage("no place for state: neither LANDFALL_HOME nor HOME is set")
        })?;
    Ok(std::path::absolute(root)?)
}

fn variable(name: &str) -> Option<PathBuf> {
    let value = env::var_os(name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}
