//! `landfall plan`.

use clap::Args;
use landfall_config::BuildOn;
use landfall_model::ServiceName;
use landfall_model::plan::Intent;

use crate::checkout::Checkout;
use crate::command_error::{CommandError, CommandResult};
use crate::context::Context;
use crate::deployment::{self, RunOptions, deploy_source, deployment_request};
use crate::project::{self, Project};
use crate::shipping::{ShipOptions, Shipment};

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
    let ship = ShipOptions::default();
    plan_or_deploy(context, intent, options, ship, None).await
}

/// A deploy, or only its plan; of a checkout, where there is one, else of the app here.
///
/// # Errors
/// When the configuration is wrong, the agent cannot be reached, or the deploy is refused.
pub async fn plan_or_deploy(
    context: &Context,
    intent: Intent,
    options: RunOptions,
    ship: ShipOptions,
    checkout: Option<&Checkout>,
) -> CommandResult {
    let file = match checkout {
        Some(checkout) => Some(checkout.file()),
        None => context.global.file.clone(),
    };
    let (file, environment) = (file.as_deref(), context.environment());
    let loaded = project::load(&context.printer, file, environment)?;
    let project = Project::locate(file, environment)?;
    let is_pushed = checkout.is_some_and(|checkout| checkout.is_pushed);
    let server = loaded.server.as_ref().filter(|_| !is_pushed);
    let client = context.client_of(server).await?;
    let is_here = server.is_none() && !is_pushed;
    let branch = checkout.and_then(|checkout| checkout.branch.clone());
    if is_here {
        check_here(ship)?;
        let mut source = deploy_source(loaded);
        source.info.branch = branch.or(source.info.branch);
        let request = deployment_request(&project, intent, Some(source));
        return deployment::run(context, &client, request, options).await;
    }
    let (shipment, mut source) = Shipment::prepare(context, &client, loaded, ship).await?;
    source.info.branch = branch.or(source.info.branch);
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

/// Refuses what only means something for a server.
fn check_here(ship: ShipOptions) -> CommandResult<()> {
    match ship.build_on {
        Some(BuildOn::Server) => {
            let refusal = CommandError::usage("this environment has no server to build on");
            Err(refusal.hint("name one that has: `--env production`"))
        }
        _ => Ok(()),
    }
}
