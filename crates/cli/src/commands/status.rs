//! `landfall status`.

use clap::Args;
use jiff::Timestamp;
use landfall_agent::api::types::EnvironmentView;

use super::target::{client_to_look, known};
use crate::client::Client;
use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::git;
use crate::project::Project;
use crate::render::{self, StatusView};

/// Show what is live: release, commit, instances, and what differs from what was declared
///
/// Tells what is served, not what was declared: the agent asks the proxy which release answers,
/// the shims which processes run and the kernel which ports are open. Inside the app's repository
/// it also lists the commits of your branch that are not deployed, and says when what is deployed
/// is not in your branch. Outside of any app it lists everything that this machine runs.
///
/// Examples:
///   landfall status
///   landfall status --json | jq .release.number
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct StatusArgs {
    /// List every app and environment of this machine
    #[arg(long)]
    pub all: bool,
}

/// Shows the status.
///
/// # Errors
/// When the agent cannot be reached.
pub async fn cmd_status(context: &Context, args: &StatusArgs) -> CommandResult {
    let here = std::env::current_dir()?;
    let is_inside = context.global.file.is_some() || landfall_config::find(&here).is_some();
    let client = client_to_look(context).await?;
    match args.all || !is_inside {
        true => all(context, client).await,
        false => one(context, client, &context.project()?).await,
    }
}

async fn all(context: &Context, client: Option<Client>) -> CommandResult {
    let printer = &context.printer;
    let views: Vec<EnvironmentView> = match client {
        Some(client) => client.get("/v1/environments").await?,
        None => Vec::new(),
    };
    printer.json(&views);
    if views.is_empty() {
        printer.note("nothing is deployed on this machine");
    }
    for view in &views {
        printer.show(render::brief(view, printer.paint()));
    }
    Ok(ExitCode::Ok)
}

async fn one(context: &Context, client: Option<Client>, project: &Project) -> CommandResult {
    let printer = &context.printer;
    let view: Option<EnvironmentView> = match &client {
        Some(client) => known(client.get(&project.api("")).await)?,
        None => None,
    };
    let mut environment = view.unwrap_or_else(|| nothing(project));
    if let Some(client) = client {
        environment.urls = client.seen_from_here(environment.urls).await;
    }
    let live = environment.release.as_ref();
    let commit = live.and_then(|release| release.source.commit.as_deref());
    let undeployed = commit.and_then(|commit| git::undeployed(&project.root, commit));
    let is_unknown = commit.is_some() && undeployed.is_none() && git::has_commits(&project.root);
    let view = StatusView {
        environment,
        undeployed,
        is_unknown,
    };
    printer.json(&view);
    printer.show(render::status(
        &view,
        Timestamp::now(),
        printer.paint(),
        printer.width(),
    ));
    Ok(ExitCode::Ok)
}

fn nothing(project: &Project) -> EnvironmentView {
    EnvironmentView {
        app: project.app.clone(),
        environment: project.environment.clone(),
        release: None,
        live_since: None,
        serving: None,
        urls: Vec::new(),
        services: Vec::new(),
        deployment: None,
        queued: Vec::new(),
        differences: Vec::new(),
    }
}
