//! `landfall report`.

use clap::Args;
use landfall_model::DeploymentId;
use serde_json::json;

use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::ExitCode;

/// Print one deployment in full, as Markdown
///
/// Who, what, when, why, every step with its time, the cause of a failure with its evidence, and
/// the output of builds and tasks.
///
/// Examples:
///   landfall report 12
///   landfall report 12 > incident.md
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ReportArgs {
    /// The deployment (see `landfall history`)
    #[arg(value_name = "DEPLOYMENT")]
    pub deployment: DeploymentId,
}

/// Prints the report.
///
/// # Errors
/// When there is no such deployment, or the agent cannot be reached.
pub async fn cmd_report(context: &Context, args: &ReportArgs) -> CommandResult {
    let client = context.client().await?;
    let path = format!("/v1/deployments/{}/report", args.deployment);
    let markdown = client.text(&path).await?;
    context.printer.show(&markdown);
    context.printer.json(&json!({
        "deployment": args.deployment,
        "markdown": markdown,
    }));
    Ok(ExitCode::Ok)
}
