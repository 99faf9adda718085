//! How a simulated process behaves, told by its own command line: a release that is gone back to
//! behaves as it did.

use landfall_model::CommandSpec;
use serde::{Deserialize, Serialize};

/// How a process behaves from its start on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behaviour {
    /// What it says its version is.
    pub version: String,
    /// Milliseconds from its start until it listens.
    pub ready_ms: u64,
    /// When it exits by itself, in milliseconds from its start, and with which code.
    pub exits: Option<(u64, i32)>,
    /// Where it listens.
    pub listens: Listens,
    /// Status of its answers to `/health`.
    pub health: u16,
    /// Status of its answers to everything else.
    pub status: u16,
    /// Whether users' requests get a 500, though the checks' do not.
    pub fails_users: bool,
    /// Milliseconds from the stop signal to its end.
    pub stop_ms: u64,
    /// Whether no second instance of its service may run beside it.
    pub alone: bool,
    /// When users may meet it.
    pub met: Met,
    /// What it writes at its start.
    pub log: Vec<String>,
}

/// Where a process listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Listens {
    /// On the port that it was given.
    Given,
    /// On another one.
    Elsewhere(u16),
    /// Nowhere.
    Never,
}

/// When users may meet a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Met {
    /// When it is ready.
    Ready,
    /// Never: a check must find it out first.
    Never,
    /// For a while, ready or not: what is wrong with it shows only after the switch.
    Shortly,
}

impl Behaviour {
    /// A good process that says `version`.
    pub fn good(version: &str) -> Self {
        Self {
            version: version.into(),
            ready_ms: 120,
            exits: None,
            listens: Listens::Given,
            health: 200,
            status: 200,
            fails_users: false,
            stop_ms: 30,
            alone: false,
            met: Met::Ready,
            log: vec![format!("this is {version}")],
        }
    }

    /// A task that ends after 40 ms with this code.
    pub fn task(code: i32) -> Self {
        Self {
            exits: Some((40, code)),
            ..Self::good("task")
        }
    }

    /// The command that behaves so.
    pub fn command(&self) -> CommandSpec {
        let told = serde_json::to_string(self).unwrap_or_default();
        CommandSpec::Argv(vec!["app".into(), told])
    }

    /// The behaviour of a command line of [`Behaviour::command`].
    pub(super) fn of(argv: &[String]) -> Option<Self> {
        serde_json::from_str(argv.get(1)?).ok()
    }
}
