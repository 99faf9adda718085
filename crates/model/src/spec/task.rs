//! One-off commands of a release.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::env::Template;
use crate::{CommandSpec, ServiceName, millis};

/// A one-off command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The service whose tree, environment and user it runs with.
    pub service: ServiceName,
    /// What runs; `None` is what a container of the service runs.
    pub run: Option<CommandSpec>,
    /// When it runs by itself.
    pub when: When,
    /// How long it may take.
    #[serde(with = "millis")]
    pub timeout: Duration,
    /// Whether its failure fails the deployment. After the switch, a failure never undoes it.
    pub blocking: bool,
    /// Variables besides those of the service.
    pub env: BTreeMap<String, Template>,
}

/// When a task runs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Before any instance of the new release starts: migrations.
    BeforeSwitch,
    /// After the new release has proved itself: cache purges.
    AfterSwitch,
    /// Only by `landfall run`.
    Manual,
}
