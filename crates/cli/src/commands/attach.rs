//! `landfall attach`.

use clap::Args;
use landfall_agent::api::types::DeploymentView;
use landfall_model::DeploymentId;

use super::target;
use crate::command_error::CommandResult;
use crate::context::Context;
use crate::deployment::{
    Attached, DeploymentResult, Narrator, attach, exit_code, lost, say_how_to_return,
};
use crate::exit::ExitCode;

/// Follow a deployment, from its first event or any other
///
/// Works for deployments that go on and for those that are over, as often as you like. The exit
/// code tells how the deployment ended, as that of `landfall deploy` does.
///
/// Examples:
///   landfall attach               the one under way
///   landfall attach 12            deployment 12
///   landfall attach 12 --after 40 --json    its events after number 40, one JSON object a line
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct AttachArgs {
    /// The deployment [default: the one under way]
    #[arg(value_name = "DEPLOYMENT")]
    pub deployment: Option<DeploymentId>,
    /// Begin after the event with this number
    #[arg(
        long,
        value_name = "EVENT",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub after: u64,
}

/// Follows.
///
/// # Errors
/// When there is no such deployment, or the agent cannot be reached.
pub async fn cmd_attach(context: &Context, args: &AttachArgs) -> CommandResult {
    let printer = &context.printer;
    let client = context.client().await?;
    let id = target::deployment(&client, || context.project(), args.deployment).await?;
    let view: DeploymentView = client.get(&format!("/v1/deployments/{id}")).await?;
    let mut narrator = match printer.is_json() {
        true => Narrator::Events(printer),
        false => Narrator::for_people(printer),
    };
    let attached = attach(&client, id, args.after, &mut narrator).await;
    match attached.map_err(|error| lost(context, id, error))? {
        Attached::Detached(_) => {
            say_how_to_return(context, id, "detached; deployment");
            Ok(ExitCode::Detached)
        }
        Attached::Ended(follow) => {
            let result = DeploymentResult::new(follow, view.plan);
            result.tell(printer);
            Ok(exit_code(result.outcome))
        }
    }
}
