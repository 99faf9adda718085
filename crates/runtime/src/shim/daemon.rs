//! Leaving the caller: the shim becomes a process of its own that no signal to the caller's group
//! or session reaches, and tells the caller, through a pipe, when it is ready.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::pipe::{PipeFlags, pipe_with};

use super::fork::{Fork, close_from, exit_now, fork, wait_for};
use super::{ALREADY_SUPERVISED, setup};

/// What the shim writes when it is ready.
const READY: &str = "ready\n";

/// Starts the shim. In the caller's process it returns when the shim is ready or has failed; in
/// the shim's, when the instance has ended.
///
/// # Errors
/// An exit status and a message for standard error.
pub(crate) fn launch(dir: PathBuf) -> Result<(), (i32, String)> {
    let failed = |what: &str, error: io::Error| (1, format!("failed to {what}: {error}"));
    close_from(3);
    let env =
        setup::read_env(io::stdin()).map_err(|error| failed("read the environment", error))?;
    let (from_shim, to_caller) =
        pipe_with(PipeFlags::CLOEXEC).map_err(|error| failed("make a pipe", error.into()))?;
    match fork().map_err(|error| failed("fork", error))? {
        Fork::Parent(child) => {
            drop(to_caller);
            drop(env);
            wait_until_ready(from_shim, child)
        }
        Fork::Child => {
            drop(from_shim);
            let _ = rustix::process::setsid();
            match fork() {
                // The middle one goes, so that the shim leads no session and can get no terminal.
                Ok(Fork::Parent(_)) => exit_now(0),
                Ok(Fork::Child) => {
                    supervise(dir, env, File::from(to_caller));
                    Ok(())
                }
                Err(error) => {
                    let _ = writeln!(File::from(to_caller), "1 failed to fork: {error}");
                    exit_now(1)
                }
            }
        }
    }
}

fn wait_until_ready(from_shim: OwnedFd, child: i32) -> Result<(), (i32, String)> {
    let mut said = String::new();
    let _ = File::from(from_shim).read_to_string(&mut said);
    let _ = wait_for(child);
    if said == READY {
        return Ok(());
    }
    match said.split_once(' ') {
        Some((code, message)) => Err((code.parse().unwrap_or(1), message.trim_end().to_owned())),
        None => Err((1, "the shim ended before it was ready".to_owned())),
    }
}

fn supervise(dir: PathBuf, env: super::app::Env, mut to_caller: File) {
    let begun = leave_surroundings().map_err(setup::Failure::from);
    match begun.and_then(|()| setup::supervisor(dir, env)) {
        Ok(supervisor) => {
            let _ = to_caller.write_all(READY.as_bytes());
            drop(to_caller);
            supervisor.run();
        }
        Err(setup::Failure::AlreadySupervised) => {
            let _ = writeln!(to_caller, "{ALREADY_SUPERVISED} it is supervised already");
        }
        Err(setup::Failure::Other(message)) => {
            let _ = writeln!(to_caller, "1 {message}");
        }
    }
}

/// Gives back all that was inherited: directory, mask, terminal.
fn leave_surroundings() -> io::Result<()> {
    rustix::process::chdir("/")?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(null.as_fd())?;
    rustix::stdio::dup2_stdout(null.as_fd())?;
    rustix::stdio::dup2_stderr(null.as_fd())?;
    Ok(())
}
