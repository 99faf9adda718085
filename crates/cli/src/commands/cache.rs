//! `landfall cache`.

use clap::{Args, Subcommand};
use landfall_agent::api::types::{CacheClearRequest, CacheCleared};
use landfall_model::ServiceName;

use crate::command_error::CommandResult;
use crate::context::{Context, asked_by};
use crate::exit::ExitCode;
use crate::printer::human;

/// Clear what an app keeps across releases
#[derive(Debug, Args)]
pub struct CacheArgs {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Subcommand)]
enum CacheCommand {
    Clear(ClearArgs),
}

/// Delete the files under a `writable` path of a service
///
/// Those files are kept across releases; this deletes them, after asking. The path itself stays,
/// and a running app goes on with it empty.
///
/// Examples:
///   landfall cache clear web .next/cache
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
struct ClearArgs {
    /// The service
    service: ServiceName,
    /// One of its `writable` paths, as landfall.toml has it
    path: String,
}

/// Clears.
///
/// # Errors
/// When the path is not `writable`, not confirmed, or the agent cannot be reached.
pub async fn cmd_cache(context: &Context, args: &CacheArgs) -> CommandResult {
    let CacheCommand::Clear(args) = &args.command;
    let printer = &context.printer;
    let project = context.project()?;
    let client = context.client().await?;
    context.confirm(&format!(
        "delete everything in {} of {} ({} in {})?",
        args.path, args.service, project.app, project.environment
    ))?;
    let request = CacheClearRequest {
        service: args.service.clone(),
        path: args.path.clone(),
        by: asked_by(),
    };
    let cleared: CacheCleared = client.post(&project.api("/cache/clear"), &request).await?;
    let (files, bytes) = (
        human::count(cleared.files, "file"),
        human::bytes(cleared.bytes),
    );
    printer.show(format!("deleted {files}, {bytes}"));
    printer.json(&cleared);
    Ok(ExitCode::Ok)
}
