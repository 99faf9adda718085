//! `landfall shim`: one small process per instance. Called first thing in `main`, because it forks.

use std::process::ExitCode;

/// Runs the shim; returns twice, see [`landfall_runtime::shim::run`].
pub fn run() -> ExitCode {
    let code = landfall_runtime::shim::run(std::env::args_os().skip(2));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
