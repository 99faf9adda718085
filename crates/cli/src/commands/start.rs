//! `landfall start`.

use clap::Args;
use landfall_model::ServiceName;
use landfall_model::plan::Intent;

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::deployment::{self, RunOptions, deployment_request};

/// Start services that were stopped
///
/// Starts what `landfall stop` stopped, in the release that is live.
///
/// Examples:
///   landfall start           everything
///   landfall start worker    one service
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct StartArgs {
    /// The services [default: all]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
    /// Only show the plan
    #[arg(long)]
    pub dry_run: bool,
}

/// Starts.
///
/// # Errors
/// When nothing is deployed, a service is unknown, or the agent cannot be reached.
pub async fn cmd_start(context: &Context, args: &StartArgs) -> CommandResult {
    let project = context.project()?;
    let client = context.client().await?;
    let intent = Intent::Start {
        services: args.services.clone(),
    };
    let request = deployment_request(&project, intent, None);
    let options = RunOptions {
        dry_run: args.dry_run,
        ..RunOptions::default()
    };
    deployment::run(context, &client, request, options).await
}
