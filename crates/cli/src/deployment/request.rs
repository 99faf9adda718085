//! From what a person typed to a deployment and its end.

use std::collections::BTreeMap;

use landfall_agent::api::types::{
    DeployAccepted, DeployFrom, DeployRequest, DeploySource, EnvironmentView, PlanRequest,
    PlanResponse,
};
use landfall_config::LoadedApp;
use landfall_model::plan::{Intent, Plan};
use landfall_model::{DeploymentId, EnvironmentName};

use super::{Attached, DeploymentResult, Narrator, attach, exit_code, questions};
use crate::cli::DEFAULT_ENVIRONMENT;
use crate::client::Client;
use crate::command_error::{CommandError, CommandResult};
use crate::context::{Context, asked_by};
use crate::exit::ExitCode;
use crate::printer::Tone;
use crate::project::Project;
use crate::variables::variables;
use crate::{git, render};

/// Variables of the shell that a build has no use for, and that would differ on every call.
const SHELL_NOISE: [&str; 4] = ["_", "SHLVL", "PWD", "OLDPWD"];

/// The source tree that was loaded, with what git and the environment know.
pub fn deploy_source(loaded: LoadedApp) -> DeploySource {
    DeploySource {
        info: git::source_info(&loaded.root),
        from: DeployFrom::Directory(loaded.root),
        source: None,
        spec: loaded.spec,
        build_env: build_env(variables()),
    }
}

/// What to ask the agent for.
pub fn deployment_request(
    project: &Project,
    intent: Intent,
    deploy: Option<DeploySource>,
) -> PlanRequest {
    PlanRequest {
        app: project.app.clone(),
        environment: project.environment.clone(),
        intent,
        deploy,
    }
}

fn build_env(variables: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    variables
        .filter(|(name, _)| !name.starts_with("LANDFALL_") && !SHELL_NOISE.contains(&name.as_str()))
        .collect()
}

/// How [`run`] goes about it.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunOptions {
    /// Only show the plan.
    pub dry_run: bool,
    /// Replace what waits in the queue.
    pub supersede: bool,
    /// Return as soon as the deployment is accepted.
    pub detach: bool,
    /// Ask before anything is done, whatever the plan is; where nobody can be asked, do nothing.
    pub always_ask: bool,
}

/// Plans, shows, asks where users would notice, deploys, follows and tells.
///
/// # Errors
/// When it is refused, not confirmed, or the agent cannot be reached.
pub async fn run(
    context: &Context,
    client: &Client,
    request: PlanRequest,
    options: RunOptions,
) -> CommandResult {
    run_after(context, client, request, options, async |_, _| Ok(())).await
}

/// As [`run`]; does something first once it is confirmed, and may add to the request what does not
/// change the plan.
///
/// # Errors
/// As [`run`], and when that cannot be done.
pub async fn run_after(
    context: &Context,
    client: &Client,
    mut request: PlanRequest,
    options: RunOptions,
    first: impl AsyncFnOnce(&mut PlanRequest, &PlanResponse) -> CommandResult<()>,
) -> CommandResult {
    let printer = &context.printer;
    let planned: PlanResponse = client.post("/v1/plan", &request).await?;
    if let Some(ci) = &context.ci {
        ci.planned(&request, &planned.plan, client.server());
    }
    if options.dry_run {
        printer.show(render::plan(
            &request,
            &planned.plan,
            printer.paint(),
            printer.width(),
        ));
        printer.json(&planned);
        return Ok(ExitCode::Ok);
    }
    printer.say(render::plan(
        &request,
        &planned.plan,
        printer.paint(),
        printer.width(),
    ));
    if planned.plan.is_noop() {
        ended(context, &DeploymentResult::nothing_to_do(planned.plan));
        return Ok(ExitCode::Ok);
    }
    let asks = questions(&planned.plan);
    let can_ask = options.always_ask || printer.can_ask();
    if !asks.is_empty() && !context.global.yes && can_ask {
        context.confirm(&format!("{}. Go on?", asks.join("; ")))?;
    }
    first(&mut request, &planned).await?;
    if let Some(ci) = &context.ci {
        ci.asks();
    }
    let environment = (request.app.clone(), request.environment.clone());
    let request = DeployRequest {
        plan: request,
        expect: Some(planned.digest),
        supersede: options.supersede,
        by: asked_by(),
    };
    let accepted: DeployAccepted = client.post("/v1/deployments", &request).await?;
    let Some(deployment) = accepted.deployment else {
        ended(context, &DeploymentResult::nothing_to_do(accepted.plan));
        return Ok(ExitCode::Ok);
    };
    if options.detach {
        return Ok(accepted_only(context, deployment, accepted.plan));
    }
    follow(context, client, deployment, accepted.plan, environment).await
}

fn accepted_only(context: &Context, deployment: DeploymentId, plan: Plan) -> ExitCode {
    let result = DeploymentResult::new(super::Follow::new(deployment), Some(plan));
    context.printer.json(&result);
    say_how_to_return(context, deployment, "deployment");
    ExitCode::Ok
}

async fn follow(
    context: &Context,
    client: &Client,
    deployment: DeploymentId,
    plan: Plan,
    (app, environment): (landfall_model::AppName, EnvironmentName),
) -> CommandResult {
    let printer = &context.printer;
    let mut narrator = Narrator::for_people(printer);
    let attached = match &context.ci {
        Some(ci) => ci.follow(printer, client, deployment, &mut narrator).await,
        None => attach(client, deployment, 0, &mut narrator).await,
    };
    let attached = attached.map_err(|error| lost(context, deployment, error))?;
    let (Attached::Ended(follow) | Attached::Detached(follow)) = attached;
    let mut result = DeploymentResult::new(follow, Some(plan));
    if result.outcome.is_none() {
        ended(context, &result);
        say_how_to_return(context, deployment, "detached; deployment");
        return Ok(ExitCode::Detached);
    }
    let path = format!("/v1/environments/{app}/{environment}");
    // The addresses are a courtesy: the deployment is over, whatever the agent answers now.
    if let Ok(view) = client.get::<EnvironmentView>(&path).await {
        result.urls = client.seen_from_here(view.urls).await;
    }
    result.tell(printer);
    ended(context, &result);
    Ok(exit_code(result.outcome))
}

/// Tells machines.
fn ended(context: &Context, result: &DeploymentResult) {
    context.printer.json(result);
    if let Some(ci) = &context.ci {
        ci.ended(result);
    }
}

/// Says that a deployment goes on without us, and how to come back to it.
pub fn say_how_to_return(context: &Context, deployment: DeploymentId, lead: &str) {
    let paint = context.printer.paint();
    let command = |verb: &str| {
        let typed = command_for(verb, deployment, context.environment());
        paint.tone(Tone::Accent, &typed)
    };
    context.printer.say(format!(
        "\n{lead} {deployment} goes on; {} follows it, {} ends it",
        command("attach"),
        command("cancel"),
    ));
}

/// A command about a deployment of an environment, as one types it.
pub fn command_for(verb: &str, deployment: DeploymentId, environment: &EnvironmentName) -> String {
    match environment.as_str() {
        DEFAULT_ENVIRONMENT => format!("landfall {verb} {deployment}"),
        other => format!("landfall {verb} {deployment} --env {other}"),
    }
}

/// The error of one who followed a deployment: where the agent was lost, with how to come back.
pub fn lost(context: &Context, deployment: DeploymentId, error: CommandError) -> CommandError {
    if !error.is_unreachable() {
        return error;
    }
    let command = |verb: &str| command_for(verb, deployment, context.environment());
    error.hint(format!(
        "deployment {deployment} goes on without this command; `{}` follows it, `{}` ends it",
        command("attach"),
        command("cancel"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_about_a_deployment_names_its_environment_where_it_must() {
        let typed = |environment: &str| {
            let environment = environment.parse().expect("a name");
            command_for("attach", DeploymentId(12), &environment)
        };
        assert_eq!(typed("local"), "landfall attach 12");
        assert_eq!(typed("staging"), "landfall attach 12 --env staging");
    }

    #[test]
    fn builds_get_the_users_environment_without_what_differs_on_every_call() {
        let given = [
            ("PATH", "/bin"),
            ("NODE_OPTIONS", "x"),
            ("SHLVL", "2"),
            ("_", "/bin/landfall"),
            ("PWD", "/src"),
            ("LANDFALL_HOME", "/state"),
        ];
        let env = build_env(given.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter());
        assert_eq!(env.keys().collect::<Vec<_>>(), ["NODE_OPTIONS", "PATH"]);
    }
}
