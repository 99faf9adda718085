//! The `landfall` binary: the commands that people type, and the modes in which its own processes
//! run. Composition happens here and in [`modes`]; everything else is in the libraries.

mod agent_control;
mod checkout;
mod ci;
mod cli;
mod client;
mod command_error;
mod commands;
mod context;
mod deployment;
mod exit;
mod git;
mod modes;
mod parse;
mod printer;
mod project;
mod remote;
mod render;
mod shipping;
mod state_dir;
mod variables;

use std::process::ExitCode;

use context::Context;

fn main() -> ExitCode {
    // A shim forks and closes descriptors: nothing may have been started before it.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|mode| mode == "shim")
    {
        return modes::shim::run();
    }
    if std::env::args_os()
        .nth(1)
        .is_some_and(|mode| mode == "proxy")
    {
        return modes::proxy::run();
    }
    ExitCode::from(run().number())
}

fn run() -> exit::ExitCode {
    let args: Vec<String> = std::env::args_os()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let cli = match parse::parse(&args) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let (global, command) = parse::split(cli);
    let context = Context::new(global);
    let outcome = modes::block_on(&command, commands::dispatch(&context, &command));
    outcome.unwrap_or_else(|error| error.report(&context.printer))
}
