//! `landfall remove`.

use clap::Args;
use landfall_agent::api::types::{
    DeployAccepted, DeployRequest, EnvironmentView, PlanRequest, RemoveRequest, Removed,
};
use landfall_model::plan::Intent;
use landfall_model::rollout::Outcome;
use landfall_model::{AppName, EnvironmentName};

use crate::client::Client;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::{Context, asked_by};
use crate::deployment::{Attached, Narrator, attach};
use crate::exit::ExitCode;
use crate::printer::{Tone, human};

/// Remove an app: stop it, and delete its routes, releases and files
///
/// What it wrote under its `writable` paths is deleted as well. History stays. Other apps are not
/// touched, and the routes are free for them.
///
/// Examples:
///   landfall remove              the app of this directory
///   landfall remove guestbook    one whose directory is gone
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct RemoveArgs {
    /// The app [default: that of the nearest landfall.toml]
    #[arg(value_name = "APP")]
    app: Option<AppName>,
}

/// Removes.
///
/// # Errors
/// When there is no such app, it is not confirmed, or something cannot be stopped or deleted.
pub async fn cmd_remove(context: &Context, args: &RemoveArgs) -> CommandResult {
    let printer = &context.printer;
    let app = match &args.app {
        Some(app) => app.clone(),
        None => context.project()?.app,
    };
    let environment = context.environment().clone();
    let path = format!("/v1/environments/{app}/{environment}");
    let client = context.client().await?;
    let view: EnvironmentView = client.get(&path).await?;
    context.confirm(&question(&view))?;
    if view.services.iter().any(|service| !service.stopped) && view.release.is_some() {
        stop(context, &client, app.clone(), environment.clone()).await?;
    }
    let request = RemoveRequest { by: asked_by() };
    let removed: Removed = client.post(&format!("{path}/remove"), &request).await?;
    let mark = printer.paint().tone(Tone::Good, "✓");
    printer.show(format!(
        "{mark} {app} is removed from {environment}: {}, {} freed",
        human::count(removed.releases, "release"),
        human::bytes(removed.bytes),
    ));
    printer.json(&removed);
    Ok(ExitCode::Ok)
}

fn question(view: &EnvironmentView) -> String {
    let names: Vec<&str> = view.services.iter().map(|s| s.name.as_str()).collect();
    let stops = match names.is_empty() {
        true => String::new(),
        false => format!("stops {} and ", names.join(", ")),
    };
    format!(
        "remove {} from {}? It {stops}deletes its releases, its logs and all that it wrote under \
         `writable` paths",
        view.app, view.environment
    )
}

/// Stops everything like `landfall stop`: requests under way are finished.
async fn stop(
    context: &Context,
    client: &Client,
    app: AppName,
    environment: EnvironmentName,
) -> CommandResult<()> {
    let intent = Intent::Stop {
        services: Vec::new(),
    };
    let request = DeployRequest {
        plan: PlanRequest {
            app,
            environment,
            intent,
            deploy: None,
        },
        expect: None,
        supersede: false,
        by: asked_by(),
    };
    let accepted: DeployAccepted = client.post("/v1/deployments", &request).await?;
    let Some(deployment) = accepted.deployment else {
        return Ok(());
    };
    let mut narrator = Narrator::for_people(&context.printer);
    let (Attached::Ended(end) | Attached::Detached(end)) =
        attach(client, deployment, 0, &mut narrator).await?;
    match end.outcome {
        Some(Outcome::Succeeded) => Ok(()),
        _ => {
            let why = end.cause.map_or_else(
                || "it was let go of before it was stopped".to_owned(),
                |cause| cause.summary,
            );
            let error = CommandError::new(ErrorKind::Refused, why);
            Err(error
                .during("nothing was removed")
                .hint(format!("`landfall report {deployment}` tells more")))
        }
    }
}
