//! `landfall plan`.

use clap::Args;
use landfall_model::ServiceName;
use landfall_model::plan::Intent;

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::deployment::{self, RunOptions, deploy_source, deployment_request};
use crate::project;

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
    plan_or_deploy(context, intent, options).await
}

/// A deploy, or only its plan.
///
/// # Errors
/// When the configuration is wrong, the agent cannot be reached, or the deploy is refused.
pub async fn plan_or_deploy(
    context: &Context,
    intent: Intent,
    options: RunOptions,
) -> CommandResult {
    let loaded = project::load(
        &context.printer,
        context.global.file.as_deref(),
        context.environment(),
    )?;
    let project = context.project()?;
    let client = context.client().await?;
    let request = deployment_request(&project, intent, Some(deploy_source(loaded)));
    deployment::run(context, &client, request, options).await
}
