//! `landfall demo`: the whole of Landfall in a minute, on an example app under load, with nothing
//! installed and nothing left behind.

mod acts;
mod checks;
mod report;
mod sandbox;
mod show;
mod summary;
mod timeline;
mod workspace;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::exit::ExitCode;
use sandbox::Sandbox;
use workspace::Workspace;

/// See it work: good and bad releases of an example app, deployed under load
///
/// Builds examples/hello, starts an agent and a proxy of its own in a temporary directory, and
/// deploys one version after the other while users keep asking: a good one, one that crashes at
/// start, one that answers wrongly, one that errs only under real traffic, and a rollback by hand.
/// Ends with what the users met. Takes about a minute, needs a Rust toolchain and the source tree
/// of Landfall, and removes everything it made.
///
/// Examples:
///   landfall demo
///   landfall demo --keep       leave it running, to look around
///   landfall demo --json | jq .failed
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct DemoArgs {
    /// Leave the app, its proxy and its agent running
    #[arg(long)]
    pub keep: bool,
    /// The port of the proxy [default: any that is free]
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub port: u16,
}

/// Shows the demo.
///
/// # Errors
/// When it cannot be set up, is interrupted, or sees something else than it expects.
pub async fn cmd_demo(context: &Context, args: &DemoArgs) -> CommandResult {
    let workspace = Workspace::find()?;
    let sandbox = Sandbox::new(args.port)?;
    let shown = tokio::select! {
        shown = show::show(context, &workspace, &sandbox) => shown,
        () = interrupted() => Err(CommandError::new(ErrorKind::Demo, "interrupted")),
    };
    match (&shown, args.keep) {
        (Ok(_), true) => sandbox.keep(&context.printer),
        _ => {
            context.printer.note("cleaning up");
            sandbox.remove().await?;
        }
    }
    let report = shown?;
    context.printer.json(&report);
    match report.unexpected.is_empty() {
        true => Ok(ExitCode::Ok),
        false => Ok(ExitCode::DemoFailed),
    }
}

/// Returns when someone asks for the end.
async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
