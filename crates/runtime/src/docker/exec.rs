//! Running a command in a container, for readiness.
//!
//! The engine starts such commands and has no word for ending them. One that is no longer wanted
//! is killed through `/proc`, which needs an agent on the engine's host with the right to signal
//! the container's processes. Without that right it runs on until it or its container ends.

use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt;
use landfall_model::env::EnvValues;
use landfall_model::{CommandSpec, InstanceId};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::sync::oneshot;

use super::engine::status;
use super::{DockerRuntime, body, labels};
use crate::{RuntimeError, proc};

/// Bytes of output that are kept: the last ones.
const KEPT: usize = 4 << 10;
/// How often is asked whether a command that is silent has ended: what it left in the background
/// may hold its output open.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// How long the engine may take from the answer to a start to the process.
const STARTS_WITHIN: Duration = Duration::from_secs(10);
/// How often is looked for it.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The engine's answer when the container does not run.
const NOT_RUNNING: u16 = 409;

impl DockerRuntime {
    pub(super) async fn run_beside(
        &self,
        id: &InstanceId,
        command: &CommandSpec,
        env: &EnvValues,
    ) -> Result<(i32, String), RuntimeError> {
        let container = self.look_at(id).await?;
        if !container.record.runs {
            return Err(not_running(id));
        }
        let options = CreateExecOptions {
            cmd: Some(command.argv()),
            env: Some(body::variables(env)),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let docker = self.docker().await?.clone();
        let created = docker.create_exec(&container.id, options).await;
        let run = Run {
            docker,
            exec: created.map_err(|error| self.exec_failed(id, error))?.id,
            container: container.id,
        };
        // A task of its own, so that what was begun is ended even when nobody waits any more.
        let (waiting, unwanted) = oneshot::channel::<()>();
        let outcome = tokio::spawn(run.until(unwanted)).await;
        drop(waiting);
        match outcome {
            Ok(Some(outcome)) => outcome.map_err(|error| self.exec_failed(id, error)),
            // Only a runtime that shuts down ends the task before its time.
            Ok(None) | Err(_) => Err(not_running(id)),
        }
    }

    fn exec_failed(&self, id: &InstanceId, error: Error) -> RuntimeError {
        if status(&error) == Some(NOT_RUNNING) {
            return not_running(id);
        }
        let name = labels::container_name(id);
        self.engine.failed(format!("run a command in {name}"))(error)
    }
}

fn not_running(id: &InstanceId) -> RuntimeError {
    RuntimeError::Container {
        id: id.clone(),
        message: "is not running, so no command can be run in it".to_owned(),
    }
}

/// A command in a container.
struct Run {
    docker: Docker,
    exec: String,
    container: String,
}

impl Run {
    /// Its exit code and the end of its output; `None` when it was no longer wanted.
    async fn until(self, unwanted: oneshot::Receiver<()>) -> Option<Result<(i32, String), Error>> {
        let options = StartExecOptions::default();
        let started = self.docker.start_exec(&self.exec, Some(options)).await;
        let mut output = match started {
            Ok(StartExecResults::Attached { output, .. }) => output,
            Ok(StartExecResults::Detached) => return None,
            Err(error) => return Some(Err(error)),
        };
        let read = async {
            let mut kept = Vec::new();
            loop {
                match tokio::time::timeout(ASK_AGAIN, output.next()).await {
                    Ok(Some(Ok(part))) => keep_last(&mut kept, &part),
                    Ok(Some(Err(error))) => return Err(error),
                    Ok(None) => return Ok(kept),
                    Err(_) if self.docker.inspect_exec(&self.exec).await?.running != Some(true) => {
                        return Ok(kept);
                    }
                    Err(_) => {}
                }
            }
        };
        let kept = tokio::select! {
            kept = read => kept,
            _ = unwanted => {
                self.kill().await;
                return None;
            }
        };
        Some(self.outcome(kept).await)
    }

    async fn outcome(&self, kept: Result<Vec<u8>, Error>) -> Result<(i32, String), Error> {
        let kept = kept?;
        let ended = self.docker.inspect_exec(&self.exec).await?;
        let code = i32::try_from(ended.exit_code.unwrap_or_default()).unwrap_or(-1);
        Ok((code, String::from_utf8_lossy(&kept).into_owned()))
    }

    /// Kills the command and what it started.
    async fn kill(&self) {
        let Ok(Some(leader)) = tokio::time::timeout(STARTS_WITHIN, self.leader()).await else {
            return;
        };
        // Where the engine counts processes otherwise than we do, it is someone else's.
        let groups = std::fs::read_to_string(format!("/proc/{leader}/cgroup"));
        if !groups.is_ok_and(|groups| groups.contains(&self.container)) {
            tracing::warn!(
                pid = leader,
                "a command that is no longer wanted cannot be found"
            );
            return;
        }
        let children = proc::descendants(&proc::all(), |process| process.pid == leader);
        for pid in std::iter::once(leader).chain(children.into_iter().map(|child| child.pid)) {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            let sent = pid
                .ok_or(rustix::io::Errno::SRCH)
                .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()))
                .and_then(|process| pidfd_send_signal(process, Signal::KILL));
            if sent == Err(rustix::io::Errno::PERM) {
                tracing::warn!(
                    ?pid,
                    "not allowed to end a command that is no longer wanted"
                );
            }
        }
    }

    /// The command's first process, as soon as there is one; `None` when it has ended.
    async fn leader(&self) -> Option<u32> {
        loop {
            let exec = self.docker.inspect_exec(&self.exec).await.ok()?;
            // The engine answers a start before there is a process.
            let is_over = exec.running != Some(true) && exec.exit_code.is_some();
            match exec.pid.and_then(|pid| u32::try_from(pid).ok()) {
                _ if is_over => return None,
                Some(pid @ 1..) => return Some(pid),
                _ => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    }
}

fn keep_last(kept: &mut Vec<u8>, part: &LogOutput) {
    kept.extend_from_slice(part.as_ref());
    let excess = kept.len().saturating_sub(KEPT);
    kept.drain(..excess);
}
