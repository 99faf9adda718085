//! Logs of Landfall's own processes: compact lines, or JSON, on stderr, where their shim keeps them.

use std::io;

use tracing_subscriber::EnvFilter;

/// The level where `LANDFALL_LOG` says none.
const DEFAULT: &str = "info";

/// Begins to log: level and targets by `LANDFALL_LOG`, JSON with `LANDFALL_LOG_FORMAT=json`.
pub(super) fn init() {
    let filter =
        EnvFilter::try_from_env("LANDFALL_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let is_json = std::env::var_os("LANDFALL_LOG_FORMAT").is_some_and(|format| format == "json");
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false);
    // The shim stamps each line with its time.
    let set = match is_json {
        true => log.json().try_init(),
        false => log.compact().without_time().try_init(),
    };
    // It is set already only where a test did.
    drop(set);
}
