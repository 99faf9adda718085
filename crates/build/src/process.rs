//! Running a build command.
//!
//! The command gets a process group of its own, and no process of that group outlives the build,
//! however it ends: what is collected afterwards is not written to any more. A process that leaves
//! the group on purpose (`setsid`) is a daemon, and is let go.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use landfall_model::env::EnvValues;
use landfall_model::spec::BuildSpec;
use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::error::{BuildError, Context as _, Ended};
use crate::lines::{OutputLine, Stream, Tail, pump};

/// Builds give way to the apps that run beside them.
const NICENESS: i32 = 10;
/// How long output is awaited after the command has ended. Only a daemon that kept the pipe makes
/// it that long.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Makes a child another user's process, say. Called between fork and exec, where nothing is allowed
/// but system calls: no heap, no lock.
pub type BeforeExec = Box<dyn FnMut() -> std::io::Result<()> + Send + Sync>;

/// What [`run_build`] needs.
pub struct BuildRequest<'a> {
    /// The source tree; the command runs here.
    pub root: &'a Path,
    /// What to build.
    pub spec: &'a BuildSpec,
    /// The complete environment of the person who deploys; the build's own variables come on top.
    pub env: &'a EnvValues,
    /// What the command's process does first.
    pub before_exec: Option<BeforeExec>,
    /// Gets every line. When it is full the command waits; when it is closed, lines are dropped.
    pub output: mpsc::Sender<OutputLine>,
}

/// Runs the command of a build, if it has one. Dropping the future kills the command and all its
/// children.
///
/// # Errors
/// When the command cannot be started, ends badly, or takes too long.
pub async fn run_build(mut request: BuildRequest<'_>) -> Result<(), BuildError> {
    let Some(run) = &request.spec.run else {
        return Ok(());
    };
    let mut group = Group::start(&mut request, &run.argv())?;
    let tail = Tail::default();
    let waited = timeout(request.spec.timeout, group.finish(&tail, &request.output)).await;
    let status = match waited {
        Ok(status) => status.context("wait for the build command in", request.root)?,
        Err(_) => {
            group.stop().await;
            return Err(BuildError::TimedOut {
                command: run.to_string(),
                after: request.spec.timeout,
                tail: tail.take(),
            });
        }
    };
    match ended_badly(status) {
        None => Ok(()),
        Some(ended) => Err(BuildError::Failed {
            command: run.to_string(),
            ended,
            tail: tail.take(),
        }),
    }
}

fn ended_badly(status: ExitStatus) -> Option<Ended> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(Ended::Code(code)),
        (None, signal) => Some(Ended::Signal(signal.unwrap_or_default())),
    }
}

/// A command and all processes of its group; killed when dropped.
struct Group {
    child: Child,
    /// Readable once the command has ended. Waiting on it does not reap, so that the group's id
    /// cannot be given to a stranger before the rest of the group was killed.
    ended: AsyncFd<OwnedFd>,
    id: Pid,
    reaped: bool,
}

impl Group {
    fn start(request: &mut BuildRequest<'_>, argv: &[String]) -> Result<Self, BuildError> {
        let (program, arguments) = argv.split_first().ok_or(BuildError::NoCommand)?;
        let not_started = |source| BuildError::NotStarted {
            program: program.clone(),
            root: request.root.to_owned(),
            source,
        };
        let mut command = Command::new(program);
        if let Some(before_exec) = request.before_exec.take() {
            // SAFETY: who gives it promises that it is fit for this.
            unsafe { command.pre_exec(before_exec) };
        }
        let mut child = command
            .args(arguments)
            .current_dir(request.root)
            .env_clear()
            .envs(
                request
                    .env
                    .iter()
                    .map(|(name, value)| (name, value.reveal())),
            )
            .envs(&request.spec.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(not_started)?;
        let id = child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .ok_or_else(|| not_started(std::io::ErrorKind::NotFound.into()))?;
        let watch = || {
            let pidfd = rustix::process::pidfd_open(id, PidfdFlags::NONBLOCK)?;
            // SAFETY: an `OwnedFd` is open and stays the same descriptor until it is dropped.
            Ok(unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?)
        };
        let ended = match watch() {
            Ok(ended) => ended,
            Err(error) => {
                // Not a `Group` yet, so nothing else would kill it.
                let _ = child.start_kill();
                return Err(not_started(error));
            }
        };
        // When memory runs out, a build goes before what serves. Its children are born with it.
        let _ = std::fs::write(format!("/proc/{}/oom_score_adj", id.as_raw_pid()), "1000");
        // A courtesy to the rest of the machine: its failure is none of the build's.
        let _ = rustix::process::setpriority_pgrp(Some(id), NICENESS);
        Ok(Self {
            child,
            ended,
            id,
            reaped: false,
        })
    }

    /// Passes on what the command writes until it and its group have ended.
    async fn finish(
        &mut self,
        tail: &Tail,
        output: &mpsc::Sender<OutputLine>,
    ) -> std::io::Result<ExitStatus> {
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let pumps = async {
            tokio::join!(
                async {
                    if let Some(stdout) = stdout {
                        pump(stdout, Stream::Stdout, tail, output).await;
                    }
                },
                async {
                    if let Some(stderr) = stderr {
                        pump(stderr, Stream::Stderr, tail, output).await;
                    }
                },
            );
        };
        tokio::pin!(pumps);
        let mut open = true;
        loop {
            tokio::select! {
                ended = self.ended.readable() => {
                    ended?.retain_ready();
                    break;
                }
                () = &mut pumps, if open => open = false,
            }
        }
        self.kill();
        if open {
            let _ = timeout(LAST_WORDS, pumps).await;
        }
        let status = self.child.wait().await?;
        self.reaped = true;
        Ok(status)
    }

    /// Kills everything and sees the command gone; one that the kernel cannot end is left to it.
    async fn stop(&mut self) {
        self.kill();
        self.reaped = matches!(timeout(LAST_WORDS, self.child.wait()).await, Ok(Ok(_)));
    }

    fn kill(&self) {
        // The one failure is that nobody is left.
        let _ = rustix::process::kill_process_group(self.id, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
        }
    }
}
