//! How the containers of a service live.

use std::time::Duration;

use landfall_model::CommandSpec;
use landfall_model::spec::{ContainerSpec, LifeSpec, Limits, Probe, ReadySpec, StopSpec};

use super::value::{bytes, duration, flag, float, whole};
use crate::compose::{Node, Service};
use crate::sections::default_life;

/// How long a service has to get ready at least, however impatient its check is.
const LEAST_WITHIN: Duration = Duration::from_secs(60);

/// What the engine takes for a check of which nothing else is said.
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES: u32 = 3;

/// How often Landfall asks: the interval of a check is meant for all the time after.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The microseconds of which `cpu_quota` is a part, where nothing else is said.
const CPU_PERIOD: f64 = 100_000.0;

pub(super) fn of(service: &Service<'_>) -> LifeSpec {
    let mut life = default_life(true);
    life.stop = stop(service, life.stop);
    life.limits = limits(service.node());
    life
}

/// What can be written to by one only is replaced stop-first, unless the files say otherwise.
pub(super) fn may_overlap(service: &Service<'_>, container: &ContainerSpec) -> bool {
    let update = service
        .node()
        .get("deploy")
        .and_then(|d| d.get("update_config"));
    match update.and_then(|update| update.text_of("order")) {
        Some("start-first") => true,
        Some("stop-first") => false,
        _ => !container.writes_outside(),
    }
}

fn stop(service: &Service<'_>, default: StopSpec) -> StopSpec {
    let signal = service.stop_signal().map(|name| {
        match name.starts_with("SIG") || name.starts_with(|c: char| c.is_ascii_digit()) {
            true => name.to_owned(),
            false => format!("SIG{name}"),
        }
    });
    StopSpec {
        signal: signal.unwrap_or(default.signal),
        grace: duration(service.node(), "stop_grace_period").unwrap_or(default.grace),
    }
}

fn limits(service: &Node) -> Limits {
    let resources = service.get("deploy").and_then(|d| d.get("resources"));
    let deploy = resources.and_then(|resources| resources.get("limits"));
    let quota = float(service, "cpu_quota").filter(|quota| *quota > 0.0);
    let period = float(service, "cpu_period").filter(|period| *period > 0.0);
    let by_quota = quota.map(|quota| quota / period.unwrap_or(CPU_PERIOD));
    let memory = deploy.and_then(|limits| bytes(limits, "memory"));
    let cpus = deploy.and_then(|limits| float(limits, "cpus"));
    let pids = deploy.and_then(|limits| whole(limits, "pids"));
    Limits {
        memory: memory
            .or_else(|| bytes(service, "mem_limit"))
            .filter(|memory| *memory > 0),
        cpus: cpus.or_else(|| float(service, "cpus")).or(by_quota),
        pids: pids.or_else(|| whole(service, "pids_limit")),
        open_files: None,
    }
}

/// When a service is ready, by the check that its files write out.
pub(super) fn ready(service: &Service<'_>) -> Option<ReadySpec> {
    let check = service.node().get("healthcheck")?;
    let test = service.health_test()?;
    let run = match test.as_slice() {
        ["CMD", argv @ ..] if !argv.is_empty() => {
            CommandSpec::Argv(argv.iter().map(|&word| word.to_owned()).collect())
        }
        ["CMD-SHELL", text, ..] => CommandSpec::Shell((*text).to_owned()),
        _ => return None,
    };
    if flag(check, "disable") {
        return None;
    }
    let timeout = duration(check, "timeout").filter(|timeout| !timeout.is_zero());
    let start_period = duration(check, "start_period").unwrap_or_default();
    Some(ReadySpec {
        probe: Probe::Command(run),
        within: LEAST_WITHIN.max(start_period + patience(check)),
        start_period,
        interval: ASK_EVERY,
        timeout: timeout.unwrap_or(TIMEOUT),
        failures: None,
    })
}

/// How long the engine would take to find it unhealthy.
fn patience(check: &Node) -> Duration {
    let interval = duration(check, "interval").filter(|interval| !interval.is_zero());
    let timeout = duration(check, "timeout").filter(|timeout| !timeout.is_zero());
    let retries = whole(check, "retries").filter(|retries| *retries > 0);
    let once = interval
        .unwrap_or(INTERVAL)
        .saturating_add(timeout.unwrap_or(TIMEOUT));
    once.saturating_mul(retries.unwrap_or(RETRIES))
}

/// When a service is ready, by the check of its image.
pub(super) fn ready_by_image() -> ReadySpec {
    ReadySpec {
        probe: Probe::Healthcheck,
        within: LEAST_WITHIN.max((INTERVAL + TIMEOUT) * RETRIES),
        start_period: Duration::ZERO,
        interval: ASK_EVERY,
        timeout: TIMEOUT,
        failures: None,
    }
}
