//! The app's process: how it is made, and what a child of the shim does to become it.
//!
//! It gets no parent-death signal. One would kill only the first process, with the tree lost by
//! which the others are found, and it would end service where no agent is there to replace it:
//! an app whose shim was killed goes on until the runtime finds it and ends all of it at once.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use jiff::Timestamp;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::fork::{reset_signals, write_raw};
use crate::InstanceSpec;
use crate::cgroup::Cgroup;
use crate::confine::Confinement;
use crate::process::identity::Identity;

/// The file mode mask of every app, whatever the agent was started with.
const UMASK: u32 = 0o022;

/// The environment of the app, complete.
pub(crate) type Env = Vec<(OsString, OsString)>;

/// A running app.
#[derive(Debug)]
pub(crate) struct App {
    pub identity: Identity,
    pub since: Timestamp,
    pub started: Instant,
    /// OOM kills of the group before it was started.
    pub oom_before: u64,
}

/// Our ends of the app's output.
#[derive(Debug)]
pub(crate) struct Pipes {
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

impl Pipes {
    /// The inodes of the pipes.
    pub fn inodes(&self) -> Vec<u64> {
        [&self.stdout, &self.stderr]
            .into_iter()
            .filter_map(|fd| Some(fstat(fd).ok()?.st_ino))
            .collect()
    }
}

/// Starts the app. It leads a session of its own, has the given environment and nothing else of
/// the shim's.
///
/// # Errors
/// When the program cannot be executed, with a message for the log.
pub(crate) fn spawn(
    spec: &InstanceSpec,
    env: &Env,
    cgroup: Option<&Cgroup>,
    temporary: &Path,
) -> Result<(App, Pipes), String> {
    let nothing = "there is no program to run";
    let (argv, dir) = spec.run.process().ok_or(nothing)?;
    let (program, args) = argv.split_first().ok_or(nothing)?;
    if let Err(error) = std::fs::read_dir(dir) {
        return Err(format!("failed to enter {}: {error}", dir.display()));
    }
    let cannot = |error: io::Error| format!("failed to execute {program}: {error}");
    let (stdout, app_stdout) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| cannot(e.into()))?;
    let (stderr, app_stderr) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| cannot(e.into()))?;
    let output = Pipes { stdout, stderr };
    for fd in [&output.stdout, &output.stderr] {
        set_nonblocking(fd).map_err(cannot)?;
    }
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(dir)
        .env_clear()
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(app_stdout)
        .stderr(app_stderr);
    let join = cgroup
        .map_or_else(|| Ok(Vec::new()), Cgroup::join_files)
        .map_err(cannot)?;
    let fds: Vec<RawFd> = join.iter().map(AsRawFd::as_raw_fd).collect();
    let open_files = spec.limits.open_files.map(open_files_limit);
    let user = spec.run.user();
    let confinement = user.map(|user| Confinement::prepare(user, temporary));
    let confinement = confinement.transpose().map_err(cannot)?;
    // SAFETY: the closure only makes system calls and touches no heap and no lock.
    unsafe {
        command.pre_exec(move || become_app(&fds, open_files, confinement.as_ref()));
    }
    let oom_before = cgroup.map_or(0, Cgroup::oom_kills);
    let child = command.spawn().map_err(cannot)?;
    let app = App {
        // An app that has ended already is still a zombie of ours, so its id is not free yet.
        identity: identity_of_child(child.id()).map_err(cannot)?,
        since: Timestamp::now(),
        started: Instant::now(),
        oom_before,
    };
    Ok((app, output))
}

fn identity_of_child(pid: u32) -> io::Result<Identity> {
    let start = crate::proc::stat(pid).map_or(0, |process| process.start);
    Ok(Identity {
        boot_id: crate::process::identity::boot_id()?,
        pid,
        start,
    })
}

fn become_app(
    join: &[RawFd],
    open_files: Option<Rlimit>,
    confinement: Option<&Confinement>,
) -> io::Result<()> {
    for &fd in join {
        write_raw(fd, b"0")?;
    }
    rustix::process::setsid()?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(UMASK));
    if let Some(limit) = open_files {
        setrlimit(Resource::Nofile, limit)?;
    }
    reset_signals();
    confinement.map_or(Ok(()), Confinement::enter)
}

/// The limit as far as this process may set it.
fn open_files_limit(wanted: u64) -> Rlimit {
    let hard = getrlimit(Resource::Nofile).maximum;
    let allowed = match hard {
        Some(hard) if !rustix::process::geteuid().is_root() => wanted.min(hard),
        _ => wanted,
    };
    Rlimit {
        current: Some(allowed),
        maximum: Some(allowed),
    }
}

/// What the limit on open files cannot be, for the notes.
pub(crate) fn open_files_note(wanted: Option<u64>) -> Option<String> {
    let wanted = wanted?;
    let allowed = open_files_limit(wanted).current?;
    (allowed < wanted).then(|| {
        format!("open files are limited to {allowed}, not {wanted}: the hard limit of the host")
    })
}

fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    Ok(fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?)
}
