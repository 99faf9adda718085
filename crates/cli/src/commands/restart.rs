//! `landfall restart`.

use clap::Args;
use landfall_model::ServiceName;
use landfall_model::plan::Intent;

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::deployment::{self, RunOptions, deployment_request};

/// Replace running instances by new ones of the same release
///
/// New instances start beside the old ones and take over when they are ready, so nothing is lost;
/// a service that must not overlap with itself has a gap, and the plan says so.
///
/// Examples:
///   landfall restart         everything
///   landfall restart web     one service
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct RestartArgs {
    /// The services [default: all]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
    /// Only show the plan
    #[arg(long)]
    pub dry_run: bool,
}

/// Restarts.
///
/// # Errors
/// When nothing is deployed, a service is unknown, or the agent cannot be reached.
pub async fn cmd_restart(context: &Context, args: &RestartArgs) -> CommandResult {
    let project = context.project()?;
    let client = context.client().await?;
    let intent = Intent::Restart {
        services: args.services.clone(),
    };
    let request = deployment_request(&project, intent, None);
    let options = RunOptions {
        dry_run: args.dry_run,
        ..RunOptions::default()
    };
    deployment::run(context, &client, request, options).await
}
