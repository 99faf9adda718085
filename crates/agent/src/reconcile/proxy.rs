//! Keeps the proxy running. A shim of its own brings it back when it dies; this brings back the
//! shim.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use landfall_model::env::{EnvValues, Secret};
use landfall_model::spec::{Limits, RestartSpec, StopSpec};
use landfall_model::{Cause, CauseKind, InstanceId};
use landfall_runtime::{INSTANCE_FORMAT, InstanceSpec, InstanceState, LogSpec, RunSpec, Runtime};

use crate::PROXY_INSTANCE;
use crate::executor::{internal, internal_cause};

/// What starting the proxy takes.
#[derive(Clone)]
pub struct ProxyKeeper {
    /// Runs Landfall's own processes.
    pub runtime: Arc<dyn Runtime>,
    /// Program and arguments of the proxy.
    pub argv: Vec<String>,
    /// Its working directory.
    pub dir: PathBuf,
    /// Its environment.
    pub env: Vec<(String, String)>,
}

/// The instance under which the proxy runs.
///
/// # Errors
/// Never in practice: the name is a constant.
pub fn proxy_instance() -> Result<InstanceId, Cause> {
    PROXY_INSTANCE.parse().map_err(internal)
}

/// Starts the proxy when nothing supervises it.
///
/// # Errors
/// When it cannot be started.
pub async fn ensure_proxy(keeper: &ProxyKeeper) -> Result<(), Cause> {
    let id = proxy_instance()?;
    if let Ok(status) = keeper.runtime.status(&id).await
        && !matches!(status.state, InstanceState::Lost | InstanceState::Exited)
    {
        return Ok(());
    }
    tracing::info!("starting the proxy");
    let env: EnvValues = keeper
        .env
        .iter()
        .map(|(name, value)| (name.clone(), Secret::new(value)))
        .collect();
    let started = keeper.runtime.start(&spec(keeper, id), &env).await;
    started.map_err(|error| {
        let cause = internal_cause(error);
        Cause::new(CauseKind::ProxyUnavailable, cause.summary)
    })
}

fn spec(keeper: &ProxyKeeper, id: InstanceId) -> InstanceSpec {
    InstanceSpec {
        format: INSTANCE_FORMAT,
        id,
        owner: None,
        run: RunSpec::Process {
            argv: keeper.argv.clone(),
            dir: keeper.dir.clone(),
            user: None,
        },
        port: None,
        restart: Some(system_restart()),
        stop: system_stop(),
        limits: Limits::default(),
        log: LogSpec::default(),
    }
}

/// How Landfall's own processes are restarted: at once, and again and again.
pub fn system_restart() -> RestartSpec {
    RestartSpec {
        backoff: Duration::from_millis(50),
        max_backoff: Duration::from_secs(1),
        crash_loop_exits: 20,
        crash_loop_window: Duration::from_secs(10),
        stable_after: Duration::from_secs(5),
    }
}

/// How Landfall's own processes are stopped.
pub fn system_stop() -> StopSpec {
    StopSpec {
        signal: "SIGTERM".into(),
        grace: Duration::from_secs(15),
    }
}
