//! Stopping every instance of a directory without an agent, by their shims.

use std::collections::BTreeSet;
use std::path::Path;

use landfall_runtime::Runtime;
use landfall_runtime::process::{ProcessRuntime, ProcessRuntimeOptions};

use crate::command_error::CommandResult;

/// A runtime on a directory of instances.
pub(super) fn runtime(instances: &Path, program: &Path) -> ProcessRuntime {
    ProcessRuntime::new(ProcessRuntimeOptions {
        instances_dir: instances.to_owned(),
        shim: vec![program.to_string_lossy().into_owned(), "shim".into()],
    })
}

/// Stops all instances in a directory, each as its spec says, at the same time.
pub(super) async fn stop_all(instances: &Path, program: &Path) -> CommandResult<()> {
    if !instances.exists() {
        return Ok(());
    }
    let runtime = runtime(instances, program);
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
pub(super) async fn running_apps(instances: &Path, program: &Path) -> CommandResult<Vec<String>> {
    if !instances.exists() {
        return Ok(Vec::new());
    }
    let all = runtime(instances, program).list().await?;
    let owners = all
        .iter()
        .filter(|status| super::is_supervised(status))
        .filter_map(|status| status.spec.owner.as_ref());
    let names: BTreeSet<String> = owners
        .map(|owner| format!("{} in {}", owner.app, owner.environment))
        .collect();
    Ok(names.into_iter().collect())
}
