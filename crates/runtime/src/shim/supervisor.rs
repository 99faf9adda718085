//! The shim's one loop: signals, output, requests and timers, one after the other. Owns the
//! instance while it lives; `lifecycle` says what happens to the app.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::app::{App, Env};
use super::control::Control;
use super::fork::{next_signal, reap};
use super::lifecycle::Stopping;
use super::log::LogWriter;
use super::members;
use super::output::Output;
use super::policy::RestartPolicy;
use super::store::{Repair, Store};
use crate::cgroup::Cgroup;
use crate::process::identity::Identity;
use crate::protocol::{Reply, Request};
use crate::{InstanceSpec, InstanceStatus};

/// How often the shim looks whether its files are still there.
const TICK: Duration = Duration::from_secs(1);
/// How often it looks, during a stop, whether the last process has gone: not all of them are its
/// children, so no signal tells.
const STOP_POLL: Duration = Duration::from_millis(20);

/// An instance under supervision.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub spec: InstanceSpec,
    pub env: Env,
    pub store: Store,
    pub control: Control,
    pub log: LogWriter,
    pub signals: OwnedFd,
    pub cgroup: Option<Cgroup>,
    /// `None` when it is not started again.
    pub policy: Option<RestartPolicy>,
    /// When the shim began: the zero of the policy's time.
    pub begun: Instant,
    pub output: Output,
    /// The app's first process, while it runs.
    pub app: Option<App>,
    /// The first process of the latest start: the leader of its session.
    pub session: Option<Identity>,
    /// What it ended with, while others of its processes are still stopping.
    pub ended: Option<(App, i32)>,
    pub stopping: Option<Stopping>,
    pub restart_at: Option<Instant>,
    pub is_done: bool,
}

impl Supervisor {
    /// Supervises until the instance has ended for good.
    pub fn run(mut self) {
        let mut next_tick = Instant::now() + TICK;
        while !self.is_done {
            self.wait(next_tick);
            self.take_signals();
            self.output.read(&mut self.log);
            self.take_requests();
            self.run_timers();
            if Instant::now() >= next_tick {
                self.tick();
                next_tick = Instant::now() + TICK;
            }
            self.log.flush();
        }
        self.close();
    }

    /// Changes what is told of the instance, on disk and to all who watch.
    pub fn update_status(&mut self, change: impl FnOnce(&mut InstanceStatus)) {
        self.store.update(|record| {
            change(&mut record.status);
            record.status.seq += 1;
        });
        let reply = self.reply();
        self.control.publish(&reply);
    }

    fn reply(&self) -> Reply {
        Reply::Status {
            status: Box::new(self.store.record().status.clone()),
            stopping: self
                .stopping
                .as_ref()
                .is_some_and(|stopping| !stopping.then_restart),
        }
    }

    fn wait(&self, next_tick: Instant) {
        let mut until = next_tick;
        if let Some(restart_at) = self.restart_at {
            until = until.min(restart_at);
        }
        if let Some(stopping) = &self.stopping {
            let next_look = Instant::now() + STOP_POLL;
            until = until.min(if self.ended.is_some() {
                next_look
            } else {
                stopping.deadline
            });
        }
        let fds = std::iter::once(self.signals.as_fd())
            .chain(self.output.descriptors())
            .chain(self.control.descriptors());
        wait_for(fds, until.saturating_duration_since(Instant::now()));
    }

    fn take_signals(&mut self) {
        while let Some(signal) = next_signal(&self.signals) {
            if signal == libc::SIGTERM {
                // The host is going down, or someone knows no better way to ask.
                let stop = self.spec.stop.clone();
                self.begin_stop(&stop.signal, stop.grace, false);
            }
        }
        while let Some((pid, status)) = reap() {
            if self.app.as_ref().is_some_and(|app| app.identity.pid == pid)
                && let Some(app) = self.app.take()
            {
                self.app_ended(app, status);
            }
        }
    }

    fn take_requests(&mut self) {
        for (number, request) in self.control.receive() {
            match request {
                Ok(Request::Status) => {}
                Ok(Request::Watch) => self.control.watch(number),
                Ok(Request::Stop { signal, grace_ms }) => {
                    self.begin_stop(&signal, Duration::from_millis(grace_ms), false);
                }
                Ok(Request::Restart) => {
                    let stop = self.spec.stop.clone();
                    self.begin_stop(&stop.signal, stop.grace, true);
                }
                Err(message) => {
                    self.control.reply(number, &Reply::Error(message));
                    continue;
                }
            }
            let reply = self.reply();
            self.control.reply(number, &reply);
        }
    }

    fn run_timers(&mut self) {
        if self.restart_at.is_some_and(|at| Instant::now() >= at) {
            self.restart_at = None;
            self.start_again();
        }
        if self.stopping.is_some() {
            self.go_on_stopping();
        }
    }

    fn tick(&mut self) {
        match self.store.repair(&self.spec) {
            Repair::Done => {}
            Repair::DirRemade => self
                .log
                .say("the instance's directory was removed; made it again"),
            Repair::Superseded => return self.make_way(),
        }
        // Without room for a socket at the moment it is tried again at the next tick.
        if let Ok(true) = self.control.repair(self.store.locked()) {
            self.log
                .say("the control socket was removed; made it again");
        }
        self.output.flush_partial(&mut self.log);
        self.log.repair();
        let strays = members::strays(self.app.as_ref().map(|app| app.identity.pid));
        if strays != self.store.record().strays {
            self.store.update(|record| record.strays = strays);
        }
    }

    /// Another shim has the instance: this one ends with its app, and leaves all that the other
    /// has under the same name alone.
    fn make_way(&mut self) {
        self.cgroup = None;
        let stop = self.spec.stop.clone();
        self.begin_stop(&stop.signal, stop.grace, false);
    }

    /// The end: first the lock goes, then those who watch are told. Who is told may start the
    /// instance again.
    fn close(mut self) {
        self.log.flush();
        if let Some(cgroup) = &self.cgroup {
            remove_cgroup(cgroup);
        }
        let _ = std::fs::remove_file(super::control::socket_path(self.store.locked()));
        let reply = self.reply();
        drop(self.store);
        self.control.publish(&reply);
    }
}

/// Waits for any of the descriptors, at most so long.
pub(crate) fn wait_for<'a>(fds: impl Iterator<Item = BorrowedFd<'a>>, at_most: Duration) {
    let mut fds: Vec<PollFd<'_>> = fds
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    let timeout = Timespec {
        tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: at_most.subsec_nanos().into(),
    };
    // An interrupted or failed wait is a short one: every reader copes with nothing to read.
    let _ = poll(&mut fds, Some(&timeout));
}

/// Removes a group whose last process may still be on its way out.
fn remove_cgroup(cgroup: &Cgroup) {
    for _ in 0..100 {
        if cgroup.remove() {
            return;
        }
        wait_for(std::iter::empty(), Duration::from_millis(10));
    }
}

/// The moment that is so far from now.
pub(crate) fn moment_after(delay: Duration) -> Timestamp {
    let delay = jiff::SignedDuration::try_from(delay).unwrap_or(jiff::SignedDuration::MAX);
    Timestamp::now()
        .saturating_add(delay)
        .unwrap_or(Timestamp::MAX)
}
