//! `landfall cancel`.

use clap::Args;
use landfall_agent::api::types::CancelRequest;
use landfall_model::DeploymentId;
use serde_json::json;

use super::target;
use crate::command_error::CommandResult;
use crate::context::{Context, asked_by};
use crate::deployment::command_for;
use crate::exit::ExitCode;
use crate::printer::Tone;

/// End a deployment for real
///
/// Before the switch everything it did is undone and no user meets the new release; after it, while
/// the new release still proves itself, the old one is switched back. A deployment that has proved
/// itself cannot be cancelled: `landfall rollback` goes back.
///
/// Examples:
///   landfall cancel        the one under way
///   landfall cancel 12     deployment 12
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct CancelArgs {
    /// The deployment [default: the one under way]
    #[arg(value_name = "DEPLOYMENT")]
    pub deployment: Option<DeploymentId>,
}

/// Cancels.
///
/// # Errors
/// When there is nothing to cancel, it is too late, or the agent cannot be reached.
pub async fn cmd_cancel(context: &Context, args: &CancelArgs) -> CommandResult {
    let printer = &context.printer;
    let client = context.client().await?;
    let id = target::deployment(&client, || context.project(), args.deployment).await?;
    let path = format!("/v1/deployments/{id}/cancel");
    let request = CancelRequest {
        by: asked_by(),
        before_switch: false,
    };
    client.command(&path, &request).await?;
    let attach = command_for("attach", id, context.environment());
    let attach = printer.paint().tone(Tone::Accent, &attach);
    printer.show(format!(
        "deployment {id} is being cancelled; {attach} shows how"
    ));
    printer.json(&json!({ "deployment": id, "cancelling": true }));
    Ok(ExitCode::Ok)
}
