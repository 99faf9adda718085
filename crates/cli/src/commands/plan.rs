//! `landfall plan`.

use std::num::NonZeroU64;

use clap::Args;
use landfall_model::ServiceName;
use landfall_model::plan::Intent;

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::deployment::{self, RunOptions, deploy_source, deployment_request};
use crate::project;
use crate::shipping::Shipment;

/// Show what a deploy would do, and why
///
/// Says for every build, service, route, variable and task whether a deploy would touch it and for
/// what reason. `landfall deploy` does what the plan says and nothing else.
///
/// Examples:
///   landfall plan                  what would be deployed here
///   landfall plan --json | jq .plan.services
///   landfall rollback --dry-run    the plan of a rollback
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct PlanArgs {
    /// Plan as if nothing were built and nothing ran
    #[arg(long)]
    pub force: bool,
    /// Plan for these services only
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    pub only: Vec<ServiceName>,
}

/// Plans.
///
/// # Errors
/// When the configuration is wrong or the agent cannot be reached.
pub async fn cmd_plan(context: &Context, args: &PlanArgs) -> CommandResult {
    let options = RunOptions {
        dry_run: true,
        ..RunOptions::default()
    };
    let intent = Intent::Deploy {
        force: args.force,
        only: args.only.clone(),
    };
    plan_or_deploy(context, intent, options, None).await
}

/// A deploy, or only its plan. `limit` is what may go to a server, in bytes a second.
///
/// # Errors
/// When the configuration is wrong, the agent cannot be reached, or the deploy is refused.
pub async fn plan_or_deploy(
    context: &Context,
    intent: Intent,
    options: RunOptions,
    limit: Option<NonZeroU64>,
) -> CommandResult {
    let loaded = project::load(
        &context.printer,
        context.global.file.as_deref(),
        context.environment(),
    )?;
    let project = context.project()?;
    let client = context.client().await?;
    if loaded.server.is_none() {
        let request = deployment_request(&project, intent, Some(deploy_source(loaded)));
        return deployment::run(context, &client, request, options).await;
    }
    let (shipment, source) = Shipment::prepare(context, &client, loaded, limit).await?;
    let request = deployment_request(&project, intent, Some(source));
    deployment::run_after(
        context,
        &client,
        request,
        options,
        async |request, planned| shipment.bring(context, &client, request, planned).await,
    )
    .await
}
