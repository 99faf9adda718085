//! A simulated process under its shim, as a function of the time.

use std::net::SocketAddr;
use std::time::Duration;

use landfall_model::spec::RestartSpec;
use landfall_runtime::{Exit, ExitReason, InstanceSpec, InstanceState, InstanceStatus};

use super::behaviour::{Behaviour, Listens};
use super::clock;

#[derive(Clone)]
pub(super) struct FakeInstance {
    pub spec: InstanceSpec,
    pub behaviour: Behaviour,
    pub process: Process,
    pub seq: u64,
    pub restarts: u32,
    pub last_exit: Option<Exit>,
    /// When a stop that was asked for takes effect.
    pub stopping: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Process {
    Running { since: Duration },
    BackingOff { until: Duration },
    Exited,
    Lost,
}

impl FakeInstance {
    pub fn start(spec: &InstanceSpec, behaviour: Behaviour, now: Duration) -> Self {
        Self {
            spec: spec.clone(),
            behaviour,
            process: Process::Running { since: now },
            seq: 1,
            restarts: 0,
            last_exit: None,
            stopping: None,
        }
    }

    pub fn start_again(&mut self, now: Duration) {
        self.process = Process::Running { since: now };
        self.stopping = None;
        self.seq += 1;
    }

    /// Whether its shim lives.
    pub fn is_supervised(&self) -> bool {
        !matches!(self.process, Process::Exited | Process::Lost)
    }

    /// Whether its process answers.
    pub fn is_up(&self, now: Duration) -> bool {
        let Process::Running { since } = self.process else {
            return false;
        };
        let listens = since + Duration::from_millis(self.behaviour.ready_ms);
        self.stopping.is_none() && now >= listens && self.behaviour.listens == Listens::Given
    }

    pub fn is_ready(&self, now: Duration) -> bool {
        self.is_up(now) && self.behaviour.health == 200
    }

    pub fn listening(&self, now: Duration) -> Option<SocketAddr> {
        let Process::Running { since } = self.process else {
            return None;
        };
        if now < since + Duration::from_millis(self.behaviour.ready_ms) {
            return None;
        }
        let port = match self.behaviour.listens {
            Listens::Given => self.spec.port?,
            Listens::Elsewhere(port) => port,
            Listens::Never => return None,
        };
        Some(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    pub fn stop(&mut self, now: Duration) {
        if self.is_supervised() && self.stopping.is_none() {
            self.stopping = Some(now + Duration::from_millis(self.behaviour.stop_ms));
        }
    }

    pub fn kill(&mut self, now: Duration, with_shim: bool) {
        if !self.is_supervised() {
            return;
        }
        match with_shim {
            true => {
                self.process = Process::Lost;
                self.seq += 1;
            }
            false => self.exit(now, ExitReason::KilledByOther, None),
        }
    }

    /// When it next changes by itself.
    pub fn next_change(&self) -> Option<Duration> {
        let own = match self.process {
            Process::Running { since } => {
                let exits = self.behaviour.exits;
                exits.map(|(after, _)| since + Duration::from_millis(after))
            }
            Process::BackingOff { until } => Some(until),
            Process::Exited | Process::Lost => return None,
        };
        own.into_iter().chain(self.stopping).min()
    }

    pub fn settle(&mut self, now: Duration) {
        while let Some(at) = self.next_change().filter(|at| *at <= now) {
            if self.stopping == Some(at) {
                self.exit(at, ExitReason::Stopped, None);
            } else if let Process::BackingOff { .. } = self.process {
                self.process = Process::Running { since: at };
                self.seq += 1;
            } else {
                let code = self.behaviour.exits.map(|(_, code)| code);
                self.exit(at, ExitReason::Itself, code);
            }
        }
    }

    fn exit(&mut self, now: Duration, reason: ExitReason, code: Option<i32>) {
        let ran = match self.process {
            Process::Running { since } => now.saturating_sub(since),
            _ => Duration::ZERO,
        };
        let signal = if code.is_none() { Some(15) } else { None };
        self.last_exit = Some(Exit {
            at: clock::at(now),
            code,
            signal,
            reason,
            ran_ms: u64::try_from(ran.as_millis()).unwrap_or(u64::MAX),
        });
        self.seq += 1;
        self.process = match &self.spec.restart {
            Some(restart) if reason != ExitReason::Stopped => {
                self.restarts += 1;
                let until = now + backoff(restart, self.restarts);
                Process::BackingOff { until }
            }
            _ => Process::Exited,
        };
        if self.process == Process::Exited {
            self.stopping = None;
        }
    }

    pub fn status(&self) -> InstanceStatus {
        let state = match self.process {
            Process::Running { since } => InstanceState::Running {
                pid: 1,
                since: clock::at(since),
            },
            Process::BackingOff { until } => InstanceState::BackingOff {
                until: clock::at(until),
            },
            Process::Exited => InstanceState::Exited,
            Process::Lost => InstanceState::Lost,
        };
        InstanceStatus {
            spec: self.spec.clone(),
            state,
            restarts: self.restarts,
            last_exit: self.last_exit.clone(),
            health: None,
            seq: self.seq,
            notes: Vec::new(),
        }
    }
}

fn backoff(restart: &RestartSpec, restarts: u32) -> Duration {
    let doubled = restart.backoff * 2_u32.saturating_pow(restarts.min(16) - 1);
    doubled.min(restart.max_backoff)
}
