//! `landfall rollback`.

use clap::Args;
use landfall_model::ReleaseNumber;
use landfall_model::plan::Intent;

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::deployment::{self, RunOptions, deployment_request};

/// Go back to an earlier release
///
/// Restores code, configuration and environment of that release together, through the same steps
/// as a deploy: its instances start beside the live ones, are rehearsed, and the switch is
/// verified. Tasks do not run again: what a migration changed stays changed.
///
/// Examples:
///   landfall rollback              to the release before the live one
///   landfall rollback --to 7       to release 7, as far as it is kept (see `landfall releases`)
///   landfall rollback --dry-run    what it would do
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct RollbackArgs {
    /// The release [default: the one before the live one]
    #[arg(long, value_name = "RELEASE")]
    pub to: Option<ReleaseNumber>,
    /// Only show the plan
    #[arg(long)]
    pub dry_run: bool,
}

/// Goes back.
///
/// # Errors
/// When there is no such release any more, or the agent cannot be reached.
pub async fn cmd_rollback(context: &Context, args: &RollbackArgs) -> CommandResult {
    let project = context.project()?;
    let client = context.client().await?;
    let request = deployment_request(&project, Intent::Rollback { to: args.to }, None);
    let options = RunOptions {
        dry_run: args.dry_run,
        ..RunOptions::default()
    };
    deployment::run(context, &client, request, options).await
}
