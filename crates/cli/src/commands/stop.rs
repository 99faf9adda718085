//! `landfall stop`.

use clap::Args;
use landfall_model::ServiceName;
use landfall_model::plan::Intent;

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::deployment::{self, RunOptions, deployment_request};

/// Stop services without removing anything
///
/// Routes of a stopped service answer 503 until `landfall start`, or the next deploy or rollback,
/// starts it. Releases, files and logs stay.
///
/// Examples:
///   landfall stop worker     one service
///   landfall stop            everything of this app
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct StopArgs {
    /// The services [default: all]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
    /// Only show the plan
    #[arg(long)]
    pub dry_run: bool,
}

/// Stops.
///
/// # Errors
/// When nothing is deployed, a service is unknown, or the agent cannot be reached.
pub async fn cmd_stop(context: &Context, args: &StopArgs) -> CommandResult {
    let project = context.project()?;
    let client = context.client().await?;
    let intent = Intent::Stop {
        services: args.services.clone(),
    };
    let request = deployment_request(&project, intent, None);
    let options = RunOptions {
        dry_run: args.dry_run,
        ..RunOptions::default()
    };
    deployment::run(context, &client, request, options).await
}
