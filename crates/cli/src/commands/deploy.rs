//! `landfall deploy`.

use std::num::NonZeroU64;

use clap::Args;
use landfall_config::BuildOn;
use landfall_model::ServiceName;
use landfall_model::plan::Intent;

use super::plan::plan_or_deploy;
use crate::checkout::{Checkout, GitAddress};
use crate::ci;
use crate::command_error::CommandResult;
use crate::context::Context;
use crate::deployment::RunOptions;
use crate::shipping::ShipOptions;

/// Deploy the app: build, start beside the old release, rehearse, switch, prove
///
/// Shows the plan and carries it out. The new release starts beside the old one and must become
/// ready and pass the smoke checks before any user meets it; then the routes switch without losing
/// a request, and the public address is asked which version answers. When anything fails, the old
/// release keeps serving or serves again, and one message says why.
///
/// The work is the agent's: Ctrl-C lets go of the view, not of the deployment. You are asked first
/// only when users would notice: a service that cannot overlap with itself, or one that goes.
///
/// Examples:
///   landfall deploy               what changed, with live progress
///   landfall deploy --dry-run     the same as `landfall plan`
///   landfall deploy --yes --json  for scripts: no questions, one JSON document, exit codes
///   landfall deploy --ci          for CI: plain lines, or what GitHub Actions makes more of
///   landfall deploy --git https://github.com/you/shop#main    what is there, not what is here
///   landfall deploy --only web,api  build and replace these, leave the rest as it is
///   landfall deploy --supersede   take the place of deployments that wait in the queue
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct DeployArgs {
    /// Only show the plan
    #[arg(long)]
    pub dry_run: bool,
    /// Build and replace everything, changed or not
    #[arg(long)]
    pub force: bool,
    /// Only these services; the others stay as they are in the release that serves
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    pub only: Vec<ServiceName>,
    /// Replace deployments that wait in the queue
    #[arg(long)]
    pub supersede: bool,
    /// Deploy what a git repository has: URL, URL#BRANCH, URL#TAG or URL#COMMIT, and after a colon
    /// the directory of landfall.toml in it
    #[arg(long, value_name = "URL#REF", conflicts_with = "file")]
    pub git: Option<GitAddress>,
    /// Where build commands run, here or on the server [default: as landfall.toml says, or here]
    #[arg(long, value_name = "WHERE", value_parser = build_on)]
    pub build_on: Option<BuildOn>,
    /// Bring no more than this to a server in a second, as in 500K or 2M
    #[arg(long, value_name = "BYTES", value_parser = rate)]
    pub limit_rate: Option<NonZeroU64>,
    /// Return as soon as the deployment is accepted
    #[arg(long)]
    pub detach: bool,
    /// For a job of a CI system: ask nothing, print line by line, cancel with the job. On GitHub
    /// Actions also group lines, annotate, and write the summary and outputs of the step
    #[arg(long, conflicts_with = "detach")]
    pub ci: bool,
}

fn build_on(text: &str) -> Result<BuildOn, String> {
    match text {
        "here" => Ok(BuildOn::Here),
        "server" => Ok(BuildOn::Server),
        _ => Err("write `here` or `server`".to_owned()),
    }
}

/// Bytes a second, with a unit of 1024 or without.
fn rate(text: &str) -> Result<NonZeroU64, String> {
    let (number, unit) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1 << 10),
        None => match text.strip_suffix(['m', 'M']) {
            Some(number) => (number, 1 << 20),
            None => (text, 1),
        },
    };
    let number: Option<u64> = number.parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(unit));
    bytes
        .and_then(NonZeroU64::new)
        .ok_or_else(|| "write a number of bytes, as in 500K or 2M".to_owned())
}

/// Deploys.
///
/// # Errors
/// When the configuration is wrong, the agent cannot be reached, or the deploy is refused.
pub async fn cmd_deploy(context: &Context, args: &DeployArgs) -> CommandResult {
    if !args.ci {
        return deploy(context, args).await;
    }
    let context = context.in_job()?;
    ci::run(&context, deploy(&context, args)).await
}

async fn deploy(context: &Context, args: &DeployArgs) -> CommandResult {
    let options = RunOptions {
        dry_run: args.dry_run,
        supersede: args.supersede,
        detach: args.detach,
        always_ask: false,
    };
    let intent = Intent::Deploy {
        force: args.force,
        only: args.only.clone(),
    };
    let ship = ShipOptions {
        limit: args.limit_rate,
        build_on: args.build_on,
    };
    let checkout = match &args.git {
        Some(address) => Some(Checkout::of(context, address).await?),
        None => None,
    };
    plan_or_deploy(context, intent, options, ship, checkout.as_ref()).await
}
