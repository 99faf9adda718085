//! Following the deployment of a job, and what becomes of it when the job is cancelled.
//!
//! The rule: while no user has met the new release, the agent is asked to cancel, and undoes it.
//! Afterwards the deployment goes on, because going back is for who looks at it, and the agent
//! goes back by itself where the release turns out bad. The agent decides which of both it is.

use std::time::Duration;

use landfall_agent::api::types::CancelRequest;
use landfall_model::DeploymentId;

use super::Ci;
use crate::client::{Client, ClientError};
use crate::command_error::CommandResult;
use crate::context::asked_by;
use crate::deployment::{Attached, Follow, Watcher, attach_until};
use crate::printer::Printer;

/// How long the end of a deployment that is being cancelled is waited for. GitHub kills a step ten
/// seconds after the first signal.
const UNDONE_WITHIN: Duration = Duration::from_secs(6);

impl Ci {
    /// Follows a deployment to its end, or as far as a job that is cancelled gets.
    ///
    /// # Errors
    /// As [`crate::deployment::attach`].
    pub async fn follow(
        &self,
        printer: &Printer,
        client: &Client,
        deployment: DeploymentId,
        watcher: &mut impl Watcher,
    ) -> CommandResult<Attached> {
        let mut follow = Follow::new(deployment);
        let signalled = self.signals.received(1);
        if attach_until(client, &mut follow, watcher, signalled).await? {
            return Ok(Attached::Ended(follow));
        }
        let asked = ask_to_cancel(client, deployment).await;
        let said = what_becomes(deployment, &asked);
        printer.warn(&said);
        self.record.borrow_mut().cancelled = Some(said);
        if asked.is_err() {
            return Ok(Attached::Detached(follow));
        }
        let patience = async {
            tokio::select! {
                () = tokio::time::sleep(UNDONE_WITHIN) => {}
                () = self.signals.received(2) => {}
            }
        };
        match attach_until(client, &mut follow, watcher, patience).await? {
            true => Ok(Attached::Ended(follow)),
            false => Ok(Attached::Detached(follow)),
        }
    }
}

async fn ask_to_cancel(client: &Client, deployment: DeploymentId) -> Result<(), ClientError> {
    let path = format!("/v1/deployments/{deployment}/cancel");
    let request = CancelRequest {
        by: asked_by(),
        before_switch: true,
    };
    client.command(&path, &request).await
}

fn what_becomes(deployment: DeploymentId, asked: &Result<(), ClientError>) -> String {
    match asked {
        Ok(()) => format!(
            "the job was cancelled, and deployment {deployment} with it: no user has met its \
             release, and the agent undoes it"
        ),
        Err(error) if error.code() == Some("refused") => format!(
            "the job was cancelled, and deployment {deployment} goes on to its end: {error}"
        ),
        Err(error) => format!(
            "the job was cancelled, and deployment {deployment} goes on, because the agent could \
             not be asked to cancel it: {error}"
        ),
    }
}
