//! What this copy of the program is told to be, by `hello.json`.
//!
//! Read once at the start; nothing here acts on it.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// The content of `hello.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What `/version`, the page and every `x-version` header say.
    pub version: String,
    /// How the program behaves.
    #[serde(default)]
    pub behaviour: Behaviour,
    /// Milliseconds for the behaviours that take a time.
    #[serde(default = "two_seconds")]
    ms: u64,
}

/// A way to be a release: one good one, and bad ones as they are met in practice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Does all it should.
    #[default]
    Good,
    /// Panics before it listens, because a variable is missing.
    ExitsAtOnce,
    /// Answers everything, and exits with 1 after `ms`.
    ExitsAfter,
    /// Runs, and never listens.
    NeverListens,
    /// Listens on a port of its own choice in place of `PORT`.
    WrongPort,
    /// `/health` answers 500.
    Unhealthy,
    /// `/orders` answers 200 in place of the redirect.
    WrongSmoke,
    /// Passes every check, then `/` and `/work` answer two in five requests with 500 once
    /// [`FIRST_GOOD`] of them were answered.
    ErrsUnderTraffic,
    /// Listens after `ms`.
    SlowStart,
    /// Goes on after SIGTERM as if nothing had been said.
    IgnoresSigterm,
}

/// Requests that [`Behaviour::ErrsUnderTraffic`] answers well before it begins to err: enough for
/// any check to pass, few enough for a minute of light traffic.
pub const FIRST_GOOD: u64 = 20;

fn two_seconds() -> u64 {
    2_000
}

impl Settings {
    /// Reads `hello.json` in the working directory, else beside the program; without one this is
    /// a good version called `dev`.
    ///
    /// # Errors
    /// When the file is there and cannot be read or understood.
    pub fn read() -> Result<Self, String> {
        let beside = std::env::current_exe()
            .ok()
            .and_then(|program| Some(program.parent()?.join("hello.json")));
        let found = [Some(PathBuf::from("hello.json")), beside]
            .into_iter()
            .flatten()
            .find(|path| path.exists());
        let Some(path) = found else {
            return Ok(Self {
                version: "dev".into(),
                behaviour: Behaviour::Good,
                ms: two_seconds(),
            });
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("failed to read {}: {error}", path.display()))?;
        serde_json::from_str(&text)
            .map_err(|error| format!("failed to parse {}: {error}", path.display()))
    }

    /// The time that `exits-after` and `slow-start` take.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.ms)
    }
}
