//! The agent as an instance of Landfall's own runtime.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use landfall_agent::paths::StatePaths;
use landfall_model::InstanceId;
use landfall_model::env::{EnvValues, Secret};
use landfall_model::spec::{Limits, RestartSpec, StopSpec};
use landfall_runtime::{INSTANCE_FORMAT, InstanceSpec, LogSpec, RunSpec};

use crate::variables::variables;

/// What of the user's environment the agent gets: enough to run programs as the user does. Build
/// commands get the environment of the person who deploys, with each deployment.
const PASSED_ON: [&str; 10] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "TMPDIR",
    "SHELL",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
];
const PASSED_ON_PREFIXES: [&str; 3] = ["LANDFALL_", "XDG_", "LC_"];

/// What runs.
pub(super) fn instance(id: &InstanceId, paths: &StatePaths, program: &Path) -> InstanceSpec {
    InstanceSpec {
        format: INSTANCE_FORMAT,
        id: id.clone(),
        owner: None,
        run: RunSpec::Process {
            argv: vec![
                program.to_string_lossy().into_owned(),
                "agent".into(),
                "run".into(),
            ],
            dir: paths.root().to_owned(),
            user: None,
        },
        port: None,
        restart: Some(restart()),
        stop: stop(),
        limits: Limits::default(),
        log: LogSpec::default(),
    }
}

/// A crashed agent is back before anyone asks for it; a broken one does not burn a core.
fn restart() -> RestartSpec {
    RestartSpec {
        backoff: Duration::from_millis(50),
        max_backoff: Duration::from_secs(1),
        crash_loop_exits: 10,
        crash_loop_window: Duration::from_secs(30),
        stable_after: Duration::from_secs(10),
    }
}

/// How it is stopped.
pub(super) fn stop() -> StopSpec {
    StopSpec {
        signal: "SIGTERM".into(),
        grace: Duration::from_secs(10),
    }
}

/// The environment it runs in.
pub(super) fn environment(paths: &StatePaths, http: Option<SocketAddr>) -> EnvValues {
    let mut env: EnvValues = variables()
        .filter(|(name, _)| is_passed_on(name))
        .map(|(name, value)| (name, Secret::new(value)))
        .collect();
    let home = paths.root().to_string_lossy().into_owned();
    env.insert("LANDFALL_HOME".into(), Secret::new(home));
    if let Some(http) = http {
        env.insert("LANDFALL_HTTP".into(), Secret::new(http.to_string()));
    }
    env
}

fn is_passed_on(name: &str) -> bool {
    PASSED_ON.contains(&name)
        || PASSED_ON_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}
