//! The steps of a deployment.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The steps that a deployment can have, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepName {
    /// Makes the artifacts that do not exist yet.
    Build,
    /// Checks what must be true before anything is touched: ports, routes, disk, artifacts.
    Preflight,
    /// Lays out release trees, persistent paths and the environment.
    Prepare,
    /// Makes the containers of a Compose project known to the new ones that need them.
    Adopt,
    /// Runs the tasks that come before the switch.
    BeforeTasks,
    /// Starts the new instances of services that may overlap.
    Start,
    /// Waits until they are ready.
    Ready,
    /// Runs the smoke checks on the new release through the proxy, before any user meets it.
    Rehearse,
    /// Stops the old instances of services that must not overlap, and starts the new ones.
    Replace,
    /// Gives the routes to the new release.
    Switch,
    /// Asks the public address which version answers, and runs the smoke checks.
    Verify,
    /// Compares the new release under real traffic with the old one.
    Watch,
    /// Waits for requests on the old instances, then stops them.
    Drain,
    /// Runs the tasks that come after the switch.
    AfterTasks,
    /// Removes what no kept release needs.
    Retire,
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_value(self).map_err(|_| fmt::Error)?;
        f.pad(json.as_str().ok_or(fmt::Error)?)
    }
}
