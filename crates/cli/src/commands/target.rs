//! What several verbs share: asking the agent about an environment that may not exist yet, and
//! finding the deployment that is meant.

use landfall_agent::api::types::EnvironmentView;
use landfall_model::DeploymentId;

use crate::client::{Client, ClientError};
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::project::Project;

/// A client for a command that only looks: `None` when nothing was ever deployed from this state
/// directory, so that a look does not start an agent for nothing.
pub async fn client_to_look(context: &Context) -> CommandResult<Option<Client>> {
    if context.server()?.is_none() && !context.paths()?.database().exists() {
        return Ok(None);
    }
    context.client().await.map(Some)
}

/// `None` in place of an environment that the agent does not know.
///
/// # Errors
/// Every other one.
pub fn known<T>(answer: Result<T, ClientError>) -> CommandResult<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == Some("not-found") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Says that there is nothing to look at yet.
pub fn say_never_deployed(context: &Context, project: &Project) {
    context.printer.note(format!(
        "{} was never deployed to {}; `landfall deploy` does",
        project.app, project.environment
    ));
}

/// The deployment that was named, or the one under way, or the first that waits.
///
/// # Errors
/// When none was named and none is under way.
pub async fn deployment(
    client: &Client,
    project: impl FnOnce() -> CommandResult<Project>,
    named: Option<DeploymentId>,
) -> CommandResult<DeploymentId> {
    if let Some(named) = named {
        return Ok(named);
    }
    let project = project()?;
    let view: Option<EnvironmentView> = known(client.get(&project.api("")).await)?;
    view.and_then(|view| view.deployment.or(view.queued.first().copied()))
        .ok_or_else(|| {
            let message = format!(
                "no deployment of {} to {} is under way",
                project.app, project.environment
            );
            CommandError::new(ErrorKind::Refused, message)
                .hint("`landfall history` lists those that were")
        })
}
