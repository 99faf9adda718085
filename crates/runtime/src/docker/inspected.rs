//! What the engine's description of a container says, in our words. Pure.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum as Status, HealthStatusEnum,
    RestartPolicyNameEnum,
};
use jiff::Timestamp;

use super::exits::{self, Record};
use super::history::Fact;
use super::labels;
use crate::{Health, InstanceSpec, InstanceState, InstanceStatus};
use landfall_model::container::{ContainerRun, NetworkMode};

/// The engine's first delay before it starts a container again; it doubles with each.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The engine's longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// After a run of this length the engine's delay starts over.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// A container of ours, as the engine describes it.
#[derive(Debug, Clone)]
pub(super) struct Inspected {
    /// The engine's id of it.
    pub id: String,
    /// What it should be.
    pub spec: InstanceSpec,
    /// Its process; 0 while it does not run.
    pub pid: u32,
    /// What the engine calls its state.
    pub state: Status,
    /// When it began and ended, and how.
    pub record: Record,
    /// Where its port is reached.
    pub address: Option<SocketAddr>,
    /// The whole description.
    pub raw: ContainerInspectResponse,
}

impl Inspected {
    /// Reads the description; `None` where the container is not of this Landfall.
    pub fn of(raw: ContainerInspectResponse, home: &str) -> Option<Self> {
        let labels = raw.config.as_ref()?.labels.as_ref();
        if !labels::is_ours(labels, home) {
            return None;
        }
        let spec = labels::spec_of(labels)?;
        let state = raw.state.clone().unwrap_or_default();
        let status = state.status.unwrap_or(Status::EMPTY);
        Some(Self {
            id: raw.id.clone()?,
            pid: u32::try_from(state.pid.unwrap_or_default()).unwrap_or_default(),
            record: record(&raw, &state, status, &spec),
            address: address(&raw, status, &spec),
            state: status,
            spec,
            raw,
        })
    }

    /// Whether it runs or will be started again by the engine.
    pub fn is_supervised(&self) -> bool {
        matches!(
            self.state,
            Status::RUNNING | Status::PAUSED | Status::RESTARTING | Status::STOPPING
        )
    }

    /// Whether it has never run.
    pub fn is_new(&self) -> bool {
        self.record.started.is_none()
    }

    /// When the latest thing happened that the engine's own record knows of.
    pub fn latest(&self) -> Timestamp {
        let record = &self.record;
        let times = [record.started, record.finished];
        times.into_iter().flatten().fold(record.created, Ord::max)
    }

    /// The status, but for its number.
    pub fn status(&self, facts: &[Fact]) -> InstanceStatus {
        InstanceStatus {
            spec: self.spec.clone(),
            state: self.instance_state(facts),
            restarts: self.record.restarts,
            last_exit: exits::last_exit(&self.record, facts),
            health: self.health(),
            seq: 0,
            notes: self.notes(),
        }
    }

    fn health(&self) -> Option<Health> {
        let health = self.raw.state.as_ref()?.health.as_ref()?;
        let last = health.log.as_ref().and_then(|log| log.last());
        let output = last.and_then(|result| result.output.as_deref());
        match health.status? {
            HealthStatusEnum::STARTING => Some(Health::Starting),
            HealthStatusEnum::HEALTHY => Some(Health::Healthy),
            HealthStatusEnum::UNHEALTHY => Some(Health::Unhealthy {
                output: output.unwrap_or_default().trim().to_owned(),
            }),
            HealthStatusEnum::EMPTY | HealthStatusEnum::NONE => None,
        }
    }

    fn instance_state(&self, facts: &[Fact]) -> InstanceState {
        match self.state {
            Status::RUNNING | Status::PAUSED | Status::STOPPING => InstanceState::Running {
                pid: self.pid,
                since: self.record.started.unwrap_or(self.record.created),
            },
            Status::RESTARTING => {
                let until = self.next_start();
                let restart = self.spec.restart.as_ref();
                match restart.is_some_and(|spec| exits::is_crash_looping(&self.record, facts, spec))
                {
                    true => InstanceState::CrashLooping { until },
                    false => InstanceState::BackingOff { until },
                }
            }
            _ => InstanceState::Exited,
        }
    }

    /// When the engine starts it again, at the latest.
    fn next_start(&self) -> Timestamp {
        let Record {
            started,
            finished,
            restarts,
            ..
        } = self.record;
        let finished = finished.unwrap_or(self.record.created);
        let ran = started.map(|started| finished.duration_since(started).unsigned_abs());
        let delay = match ran {
            Some(ran) if ran >= STABLE_AFTER => FIRST_DELAY,
            _ => FIRST_DELAY
                .saturating_mul(2_u32.saturating_pow(restarts.saturating_sub(1)))
                .min(LONGEST_DELAY),
        };
        finished.checked_add(delay).unwrap_or(finished)
    }

    fn notes(&self) -> Vec<String> {
        let name = labels::container_name(&self.spec.id);
        match self.state {
            Status::PAUSED => vec![format!(
                "its container is paused; `docker unpause {name}` lets it go on"
            )],
            Status::DEAD => vec![format!(
                "the engine could not remove its container; `docker rm -f {name}` may"
            )],
            _ => Vec::new(),
        }
    }
}

fn record(
    raw: &ContainerInspectResponse,
    state: &ContainerState,
    status: Status,
    spec: &InstanceSpec,
) -> Record {
    let host = raw.host_config.as_ref();
    let policy = host.and_then(|host| host.restart_policy.as_ref()?.name);
    Record {
        runs: matches!(status, Status::RUNNING | Status::PAUSED | Status::STOPPING),
        created: time(raw.created.as_deref()).unwrap_or_default(),
        started: time(state.started_at.as_deref()),
        finished: time(state.finished_at.as_deref()),
        code: i32::try_from(state.exit_code.unwrap_or_default()).unwrap_or(-1),
        out_of_memory: state.oom_killed.unwrap_or_default(),
        error: state.error.clone().unwrap_or_default(),
        is_stopped_by_us: spec.restart.is_some()
            && policy != Some(RestartPolicyNameEnum::UNLESS_STOPPED),
        restarts: u32::try_from(raw.restart_count.unwrap_or_default()).unwrap_or_default(),
    }
}

/// A time of the engine's; the first moment of the first year stands for none.
fn time(text: Option<&str>) -> Option<Timestamp> {
    let time: Timestamp = text?.parse().ok()?;
    (time > Timestamp::UNIX_EPOCH).then_some(time)
}

/// Where a container's port is reached from the host.
fn address(
    raw: &ContainerInspectResponse,
    status: Status,
    spec: &InstanceSpec,
) -> Option<SocketAddr> {
    let run = spec.run.container()?;
    let runs = matches!(status, Status::RUNNING | Status::PAUSED);
    let port = run.port.filter(|_| runs)?;
    let ip = match run.network {
        NetworkMode::Host => IpAddr::V4(Ipv4Addr::LOCALHOST),
        NetworkMode::Joined(_) => first_ip(raw, run)?,
    };
    Some(SocketAddr::new(ip, port))
}

fn first_ip(raw: &ContainerInspectResponse, run: &ContainerRun) -> Option<IpAddr> {
    let NetworkMode::Joined(networks) = &run.network else {
        return None;
    };
    let joined = raw.network_settings.as_ref()?.networks.as_ref()?;
    let endpoint = joined.get(&networks.first()?.name)?;
    let ips = [&endpoint.ip_address, &endpoint.global_ipv6_address];
    let parse = |ip: &Option<String>| ip.as_deref()?.parse().ok();
    ips.into_iter().find_map(parse)
}
