//! Stopping every instance of a state directory without an agent.

use std::collections::BTreeSet;
use std::path::Path;

use landfall_agent::engine;
use landfall_agent::paths::StatePaths;
use landfall_runtime::process::{ProcessRuntime, ProcessRuntimeOptions};
use landfall_runtime::{Runtime, Runtimes};

use crate::command_error::CommandResult;

/// Landfall's own processes.
pub(super) fn system(paths: &StatePaths, program: &Path) -> ProcessRuntime {
    ProcessRuntime::new(ProcessRuntimeOptions {
        instances_dir: paths.system(),
        shim: shim(program),
    })
}

/// The instances of apps; `None` where there never were any.
pub(super) fn apps(paths: &StatePaths, program: &Path) -> CommandResult<Option<Runtimes>> {
    if !paths.instances().exists() && !paths.containers().exists() {
        return Ok(None);
    }
    Ok(Some(engine::runtimes(paths, shim(program))?))
}

fn shim(program: &Path) -> Vec<String> {
    vec![program.to_string_lossy().into_owned(), "shim".into()]
}

/// Stops all instances of a runtime, each as its spec says, at the same time.
pub(super) async fn stop_all(runtime: &impl Runtime) -> CommandResult<()> {
    let all = runtime.list().await?;
    let stops = all
        .iter()
        .map(|status| runtime.stop(&status.spec.id, &status.spec.stop));
    for stopped in futures_util::future::join_all(stops).await {
        stopped?;
    }
    Ok(())
}

/// Apps and environments with an instance that is supervised, without repetition.
pub(super) async fn running_apps(runtime: &impl Runtime) -> CommandResult<Vec<String>> {
    let all = runtime.list().await?;
    let owners = all
        .iter()
        .filter(|status| super::is_supervised(status))
        .filter_map(|status| status.spec.owner.as_ref());
    let names: BTreeSet<String> = owners
        .map(|owner| format!("{} in {}", owner.app, owner.environment))
        .collect();
    Ok(names.into_iter().collect())
}
