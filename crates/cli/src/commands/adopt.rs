//! `landfall adopt`.

use std::path::Path;

use clap::Args;
use landfall_agent::api::types::{ComposeProjectView, ComposeProjectsView};
use landfall_config::LoadedApp;
use landfall_model::plan::Intent;

use crate::client::Client;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::deployment::{RunOptions, deploy_source, deployment_request, run_after};
use crate::{project, render};

/// Take over a project that `docker compose up` runs, with its volumes
///
/// The first deploy of an app whose services are running already, as containers of a Compose
/// project on this machine. New containers start beside those of Compose; those that must not
/// overlap, because they write to a volume or hold a port of the host, stop first. The volumes stay
/// the same volumes: nothing is copied. The containers of Compose are stopped once the release has
/// proved itself, and none is removed; when the deployment fails they run as they did.
///
/// Writes `adopt = "PROJECT"` to landfall.toml once you say yes, so that later deploys go on with
/// the same volumes.
///
/// Examples:
///   landfall adopt --dry-run      what runs, what would happen, and why; changes nothing
///   landfall adopt                take it over
///   landfall adopt shop           a project that is called otherwise than the Compose files say
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct AdoptArgs {
    /// The Compose project [default: what Docker Compose calls that of the Compose files]
    #[arg(value_name = "PROJECT")]
    project: Option<String>,
    /// Only show what would happen
    #[arg(long)]
    dry_run: bool,
    /// Go on without what is in volumes that nobody named
    #[arg(long)]
    leave_anonymous_volumes: bool,
}

/// Adopts.
///
/// # Errors
/// When the project does not run, holds what cannot be taken over, or the deployment is refused.
pub async fn cmd_adopt(context: &Context, args: &AdoptArgs) -> CommandResult {
    let file = project::find(context.global.file.as_deref())?;
    let (name, adopts_already) = name(context, args, &file)?;
    if let Some(server) = context.server()? {
        let message = format!("adopting what runs on {server} is not possible from here yet");
        return Err(CommandError::new(ErrorKind::Config, message).hint(
            "run `landfall adopt` on the server itself, in an environment without `server`",
        ));
    }
    let client = context.client().await?;
    let view = find(&client, &name).await?;
    let printer = &context.printer;
    let found = render::adopted(&view, printer.paint(), printer.width());
    match args.dry_run {
        true => printer.show(found),
        false => printer.say(found),
    }
    let loaded = project::load_as(
        printer,
        Some(&file),
        context.environment(),
        Some(name.clone()),
    )?;
    if !args.leave_anonymous_volumes {
        refuse_anonymous(&view, &loaded)?;
    }
    let options = RunOptions {
        dry_run: args.dry_run,
        always_ask: true,
        ..RunOptions::default()
    };
    let intent = Intent::Deploy {
        force: false,
        only: Vec::new(),
    };
    let request = deployment_request(&context.project()?, intent, Some(deploy_source(loaded)));
    run_after(
        context,
        &client,
        request,
        options,
        async |_, _| match adopts_already {
            true => Ok(()),
            false => write(context, &file, &name),
        },
    )
    .await
}

/// The project that is meant, and whether the file names it already.
fn name(context: &Context, args: &AdoptArgs, file: &Path) -> CommandResult<(String, bool)> {
    let loaded = project::read(&context.printer, file, context.environment(), None)?;
    let implied = loaded.compose_project.ok_or_else(|| {
        let message = "the app has no Compose files: `compose` in landfall.toml names them";
        CommandError::new(ErrorKind::Config, message)
            .hint("write `compose = [\"compose.yaml\"]`, with the files that `docker compose` ran")
    })?;
    let said = loaded.spec.adopts;
    let name = args.project.clone().or_else(|| said.clone());
    let name = name.unwrap_or(implied);
    if !landfall_config::compose::is_project_name(&name) {
        let message = format!("{name:?} is no name of a Compose project");
        return Err(CommandError::usage(message).hint("`docker compose ls` lists those that run"));
    }
    let adopts_already = said.as_ref() == Some(&name);
    Ok((name, adopts_already))
}

async fn find(client: &Client, name: &str) -> CommandResult<ComposeProjectView> {
    let view: ComposeProjectView = client.get(&format!("/v1/compose/{name}")).await?;
    if view.containers.iter().any(|container| container.runs) {
        return Ok(view);
    }
    let running: ComposeProjectsView = client.get("/v1/compose").await?;
    let message = format!("no container of a Compose project {name} runs on this machine");
    let error = CommandError::new(ErrorKind::Refused, message);
    Err(match running.projects.is_empty() {
        true => error.hint("none does; `landfall deploy` starts the app without taking one over"),
        false => error.hint(format!(
            "those that run: {}; `landfall adopt NAME` takes one of them over",
            running.projects.join(", ")
        )),
    })
}

/// What is in a volume that nobody named would stay behind unseen.
fn refuse_anonymous(view: &ComposeProjectView, loaded: &LoadedApp) -> CommandResult<()> {
    let services = &loaded.spec.services;
    let is_taken = |service: &str| services.keys().any(|name| name.as_str() == service);
    let mut found = Vec::new();
    let running = view.containers.iter().filter(|container| container.runs);
    for container in running.filter(|container| is_taken(&container.service)) {
        let unnamed = container.volumes.iter().filter(|v| v.is_anonymous);
        found.extend(unnamed.map(|volume| format!("{} of {}", volume.target, container.name)));
    }
    if found.is_empty() {
        return Ok(());
    }
    let message = format!(
        "what is in volumes without a name cannot be taken over: {}",
        found.join(", ")
    );
    Err(CommandError::new(ErrorKind::Refused, message)
        .hint("give them names in the Compose files, and copy what is in them")
        .hint("`--leave-anonymous-volumes` goes on without it; it stays in the old containers"))
}

fn write(context: &Context, file: &Path, project: &str) -> CommandResult<()> {
    let failed = |error: CommandError| error.during(format!("failed to change {}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.into()))?;
    let written = landfall_config::adopting(&text, context.environment(), project)
        .map_err(|why| failed(CommandError::new(ErrorKind::Config, why)))?;
    replace(file, &written).map_err(|error| failed(error.into()))?;
    context.printer.say(format!(
        "{} now says `adopt = \"{project}\"`: keep it, the volumes of the app are those of that \
         project",
        file.display()
    ));
    Ok(())
}

/// The file holds the old text or the new one, whatever happens.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let file = std::fs::canonicalize(file)?;
    let dir = file.parent().unwrap_or(Path::new("/"));
    let unfinished = dir.join(format!(".landfall.toml.{}", std::process::id()));
    std::fs::write(&unfinished, text)?;
    std::fs::set_permissions(&unfinished, std::fs::metadata(&file)?.permissions())?;
    std::fs::rename(&unfinished, &file)
}
