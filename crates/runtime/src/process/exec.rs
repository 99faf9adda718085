//! Running a command beside an instance, for readiness.

use std::path::Path;
use std::process::Stdio;

use landfall_model::CommandSpec;
use landfall_model::env::EnvValues;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::io_error;
use crate::RuntimeError;
use crate::confine::Confinement;

/// Bytes of output that are kept: the last ones.
const KEPT: usize = 4 << 10;

/// Runs the command; its exit code, 128 and the signal's number when it was killed, and the end
/// of its output. Dropping the future kills it and its children.
pub(super) async fn run(
    dir: &Path,
    confinement: Option<Confinement>,
    command: &CommandSpec,
    env: &EnvValues,
) -> Result<(i32, String), RuntimeError> {
    let argv = command.argv();
    let Some((program, args)) = argv.split_first() else {
        let error = std::io::Error::from(std::io::ErrorKind::InvalidInput);
        return Err(io_error("execute", "")(error));
    };
    let mut beside = Command::new(program);
    if let Some(confinement) = confinement {
        // SAFETY: the closure only makes system calls and touches no heap and no lock.
        unsafe {
            beside.pre_exec(move || confinement.enter());
        }
    }
    let mut child = beside
        .args(args)
        .current_dir(dir)
        .env_clear()
        .envs(env.iter().map(|(name, value)| (name, value.reveal())))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(io_error("execute", program))?;
    // Dropped before the child, which is then not reaped yet: the group's id is still its own.
    let group = Group(child.id());
    let output = tokio::sync::Mutex::new(Vec::new());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = async {
        let ended = until_ended(&group).await;
        // What the command left in the background would hold its output open.
        group.kill();
        ended
    };
    let (ended, (), ()) = tokio::join!(
        ended,
        keep_last(stdout, &output),
        keep_last(stderr, &output)
    );
    ended.map_err(io_error("wait for", program))?;
    let status = child.wait().await.map_err(io_error("wait for", program))?;
    group.forget();
    let code = status.code().unwrap_or_else(|| {
        128 + std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or_default()
    });
    Ok((
        code,
        String::from_utf8_lossy(&output.into_inner()).into_owned(),
    ))
}

async fn keep_last(from: Option<impl AsyncRead + Unpin>, output: &tokio::sync::Mutex<Vec<u8>>) {
    let Some(mut from) = from else { return };
    let mut block = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut block).await {
        let mut output = output.lock().await;
        output.extend_from_slice(&block[..read]);
        let excess = output.len().saturating_sub(KEPT);
        output.drain(..excess);
    }
}

/// Waits for the end of the group's leader without reaping it.
async fn until_ended(group: &Group) -> std::io::Result<()> {
    let Some(leader) = group.leader() else {
        return Ok(());
    };
    let pidfd = pidfd_open(leader, PidfdFlags::empty())?;
    // SAFETY: an `OwnedFd` stays the one open descriptor that it is for as long as it lives.
    let pidfd = unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?;
    pidfd.readable().await?.retain_ready();
    Ok(())
}

/// A process group, killed when dropped.
struct Group(Option<u32>);

impl Group {
    fn leader(&self) -> Option<Pid> {
        self.0
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw)
    }

    fn kill(&self) {
        if let Some(leader) = self.leader() {
            // Gone already, most of the time.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    /// Its leader was reaped: from now on its id may be someone else's.
    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
