//! What happens to the app: start, exit, restart, stop.

use std::time::{Duration, Instant};

use super::app::{self, App};
use super::exits::{classify, could_not_start, describe};
use super::fork::reap;
use super::members;
use super::supervisor::{Supervisor, moment_after, wait_for};
use crate::log_line::RESTARTING;
use crate::proc::ProcStat;
use crate::{Exit, InstanceState, signal};

/// How long the shim tries to kill what is left of an app. Only a process that hangs in the
/// kernel, on a dead disk for example, survives it.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// A stop under way.
#[derive(Debug)]
pub(crate) struct Stopping {
    /// The signal that asked.
    pub signal: i32,
    /// When patience ends.
    pub deadline: Instant,
    /// Whether patience has ended.
    pub was_killed: bool,
    /// Whether processes that outlived the first one were asked as well.
    asked_rest: bool,
    /// Whether the app is started again afterwards.
    pub then_restart: bool,
}

impl Supervisor {
    /// Starts the app. One that cannot be started has exited.
    pub fn start_app(&mut self) {
        let temporary = self.store.dir.temporary();
        match app::spawn(&self.spec, &self.env, self.cgroup.as_ref(), &temporary) {
            Ok((app, pipes)) => {
                let inodes = pipes.inodes();
                self.output.open(pipes);
                let state = InstanceState::Running {
                    pid: app.identity.pid,
                    since: app.since,
                };
                let identity = app.identity.clone();
                self.session = Some(identity.clone());
                self.app = Some(app);
                self.store.update(|record| {
                    record.app = Some(identity);
                    record.pipes = inodes;
                });
                self.update_status(|status| status.state = state);
            }
            Err(message) => {
                self.log.say(&message);
                self.settle(could_not_start(), Duration::ZERO);
            }
        }
    }

    /// Starts the app after its back-off.
    pub fn start_again(&mut self) {
        self.store.update(|record| record.status.restarts += 1);
        self.start_app();
    }

    /// Asks the app to stop; a second request can only shorten the wait.
    pub fn begin_stop(&mut self, signal: &str, grace: Duration, then_restart: bool) {
        let number = signal::by_name(signal).unwrap_or_else(|| {
            self.log
                .say(&format!("there is no signal {signal:?}; using SIGTERM"));
            libc::SIGTERM
        });
        let now = Instant::now();
        let deadline = now
            .checked_add(grace)
            .unwrap_or(now + Duration::from_secs(u32::MAX.into()));
        if let Some(stopping) = &mut self.stopping {
            stopping.deadline = stopping.deadline.min(deadline);
            stopping.then_restart &= then_restart;
            return;
        }
        self.restart_at = None;
        self.stopping = Some(Stopping {
            signal: number,
            deadline,
            was_killed: false,
            asked_rest: false,
            then_restart,
        });
        match &self.app {
            Some(app) => {
                let _ = app.identity.send(number);
            }
            None => self.finish_stop(),
        }
    }

    /// Looks how a stop goes on: others than the first process may take their time as well.
    pub fn go_on_stopping(&mut self) {
        let Some(stopping) = &mut self.stopping else {
            return;
        };
        if Instant::now() >= stopping.deadline {
            stopping.was_killed |= self.app.is_some();
            stopping.deadline = Instant::now() + KILL_PATIENCE;
            self.kill_all();
        }
        if self.ended.is_none() {
            return;
        }
        let rest = self.members();
        let Some(stopping) = &mut self.stopping else {
            return;
        };
        if rest.is_empty() || stopping.was_killed {
            if let Some((app, status)) = self.ended.take() {
                self.wind_up(app, status);
            }
        } else if !stopping.asked_rest {
            // Only now: a first process that passes the signal on itself must not see its
            // children get it twice.
            stopping.asked_rest = true;
            members::signal(&rest, stopping.signal);
        }
    }

    /// The first process has ended.
    pub fn app_ended(&mut self, app: App, status: i32) {
        if self.stopping.is_some() {
            self.ended = Some((app, status));
            self.go_on_stopping();
        } else {
            self.wind_up(app, status);
        }
    }

    /// Ends what is left of an app whose first process has ended, and records the exit.
    fn wind_up(&mut self, app: App, status: i32) {
        let left = self.kill_all();
        self.output.drain(&mut self.log);
        if left > 0 {
            self.log
                .say(&format!("killed {left} processes that it left behind"));
        }
        let oom_kills = self.cgroup.as_ref().map_or(0, |group| group.oom_kills());
        let ran = app.started.elapsed();
        let exit = classify(
            status,
            ran,
            oom_kills > app.oom_before,
            self.stopping.as_ref(),
        );
        if oom_kills > app.oom_before {
            self.log.say("the kernel killed a process of it for memory");
        }
        self.settle(exit, ran);
    }

    /// Decides what follows an exit.
    fn settle(&mut self, exit: Exit, ran: Duration) {
        self.store.write_exit(&exit);
        self.log.say(&describe(&exit));
        self.store.update(|record| {
            record.app = None;
            record.pipes.clear();
            record.status.last_exit = Some(exit.clone());
        });
        if self.stopping.is_some() {
            self.finish_stop();
            return;
        }
        // A process of Landfall's own that exits with 0 was asked to by its API, or has handed its
        // work over to another; a signal makes it exit with another code.
        let has_handed_over = self.spec.owner.is_none() && exit.code == Some(0);
        match &mut self.policy {
            Some(policy) if !has_handed_over => {
                let restart = policy.exited(self.begun.elapsed(), ran, fastrand::f64());
                self.log
                    .say(&format!("{RESTARTING} in {} ms", restart.delay.as_millis()));
                self.restart_at = Some(Instant::now() + restart.delay);
                let until = moment_after(restart.delay);
                self.update_status(|status| {
                    status.state = if restart.crash_looping {
                        InstanceState::CrashLooping { until }
                    } else {
                        InstanceState::BackingOff { until }
                    };
                });
            }
            _ => self.end(),
        }
    }

    fn finish_stop(&mut self) {
        match self.stopping.take() {
            Some(stopping) if stopping.then_restart => self.start_app(),
            stopping => {
                self.stopping = stopping;
                self.end();
            }
        }
    }

    /// Ends the supervision. Nobody is told yet: who is told may start the instance again, and
    /// that takes the lock.
    fn end(&mut self) {
        self.log.flush();
        self.store.update(|record| {
            record.status.state = InstanceState::Exited;
            record.status.seq += 1;
        });
        self.is_done = true;
    }

    /// Every living process of the app.
    fn members(&self) -> Vec<ProcStat> {
        match (&self.spec.owner, &self.session) {
            (Some(_), _) => members::find(self.cgroup.as_ref()),
            (None, Some(session)) => members::of_session(session),
            (None, None) => Vec::new(),
        }
    }

    /// Kills every process of the app. Gives how many there were.
    fn kill_all(&mut self) -> usize {
        let deadline = Instant::now() + KILL_PATIENCE;
        let mut killed = 0;
        loop {
            let app = self.app.as_ref().map(|app| app.identity.pid);
            let members = self.members();
            let sent = members::signal(&members, libc::SIGKILL);
            killed = killed.max(sent);
            // The first process is left for the loop to reap, which wants its status.
            if members.iter().all(|member| Some(member.pid) == app) {
                return killed;
            }
            if let Some(cgroup) = &self.cgroup {
                cgroup.kill();
            }
            if Instant::now() >= deadline {
                self.log.say("some processes could not be killed");
                return killed;
            }
            wait_for(std::iter::empty(), Duration::from_millis(5));
            self.reap_others();
        }
    }

    fn reap_others(&mut self) {
        while let Some((pid, status)) = reap() {
            if self.app.as_ref().is_some_and(|app| app.identity.pid == pid)
                && let Some(app) = self.app.take()
            {
                self.ended = Some((app, status));
            }
        }
    }
}
