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
    let variable = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let named = variable("LANDFALL_HOME");
    let is_hosts = named
        .as_deref()
        .is_none_or(|root| root == Path::new(HOST_STATE));
    if is_hosts && Path::new(HOST_RUN).is_dir() {
        return Ok(StatePaths::of_host());
    }
    let root = named
        .or_else(|| variable("XDG_STATE_HOME").map(|state| state.join("landfall")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/landfall")))
        .ok_or_else(|| {
            CommandError::usage("no place for state: neither LANDFALL_HOME nor HOME is set")
        })?;
    let paths = StatePaths::new(std::path::absolute(root)?);
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
