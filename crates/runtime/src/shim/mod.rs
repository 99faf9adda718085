//! The shim: one small process per instance, which starts the app, keeps it, and writes down what
//! becomes of it. It outlives the agent; nothing outlives it.
//!
//! `landfall shim --dir DIR` reads `DIR/spec.json`, takes the app's environment as one JSON object
//! on its standard input, leaves the caller's session, and returns once the app is supervised.
//! One thread, no async runtime, no buffer that is not bounded: there are as many shims as
//! instances.

mod app;
mod control;
mod daemon;
mod exits;
pub(crate) mod fork;
mod framing;
mod lifecycle;
mod log;
mod members;
mod output;
mod policy;
mod setup;
mod stamp;
mod store;
mod supervisor;

pub(crate) use control::socket_path;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

/// Exit status of a launch that found the instance supervised already.
pub(crate) const ALREADY_SUPERVISED: i32 = 3;

/// Runs the shim with the arguments that follow `landfall shim`, and gives the exit status of the
/// process: 0 when the app is supervised, else the reason is on standard error.
///
/// It forks, and closes every descriptor but the standard ones: call it first thing in `main`,
/// before there are threads. It returns twice: in the caller's process, and, much later, in the
/// shim's.
pub fn run(args: impl Iterator<Item = OsString>) -> i32 {
    let outcome = parse(args)
        .map_err(|message| (2, message))
        .and_then(daemon::launch);
    match outcome {
        Ok(()) => 0,
        Err((code, message)) => {
            let _ = writeln!(std::io::stderr(), "{message}");
            code
        }
    }
}

fn parse(mut args: impl Iterator<Item = OsString>) -> Result<PathBuf, String> {
    let usage = || "usage: landfall shim --dir DIR < ENVIRONMENT.json".to_owned();
    match (args.next(), args.next(), args.next()) {
        (Some(flag), Some(dir), None) if flag == "--dir" => {
            std::path::absolute(dir).map_err(|error| error.to_string())
        }
        _ => Err(usage()),
    }
}
