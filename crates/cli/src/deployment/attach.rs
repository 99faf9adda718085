//! Following a deployment by its numbered events, through restarts of the agent.

use std::time::{Duration, Instant};

use landfall_agent::api::types::EventView;
use landfall_model::{DeploymentId, ServerAddress};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Follow;
use crate::client::{Client, ClientError, EventStream, Query};
use crate::command_error::CommandResult;

/// How long an agent that is gone may take to come back. Its shim restarts it within 100 ms; the
/// rest is for reading its journal on a busy machine.
const BACK_WITHIN: Duration = Duration::from_secs(60);
const TRY_EVERY: Duration = Duration::from_millis(50);

/// Is told what happens while a deployment is followed.
pub trait Watcher {
    /// An event that was not told before.
    fn tell(&mut self, event: &EventView);
    /// Something about following itself.
    fn remark(&mut self, remark: &str);
    /// There is no more.
    fn end(&mut self);
}

/// How following ended.
#[derive(Debug)]
pub enum Attached {
    /// The deployment ended.
    Ended(Follow),
    /// The person let go of it with Ctrl-C.
    Detached(Follow),
}

/// Follows a deployment from the event after `after` to its end.
///
/// # Errors
/// When there is no such deployment, or the agent is gone and does not come back.
pub async fn attach(
    client: &Client,
    deployment: DeploymentId,
    after: u64,
    watcher: &mut impl Watcher,
) -> CommandResult<Attached> {
    let mut follow = Follow::new(deployment);
    follow.last_event = after;
    let mut interrupt = signal(SignalKind::interrupt())?;
    match attach_until(client, &mut follow, watcher, pressed(&mut interrupt)).await? {
        true => Ok(Attached::Ended(follow)),
        false => Ok(Attached::Detached(follow)),
    }
}

/// Follows a deployment from what is known of it to its end, or until `let_go`; whether it ended.
///
/// # Errors
/// As [`attach`].
pub async fn attach_until(
    client: &Client,
    follow: &mut Follow,
    watcher: &mut impl Watcher,
    let_go: impl Future<Output = ()>,
) -> CommandResult<bool> {
    let followed = tokio::select! {
        followed = follow_to_end(client, follow, watcher) => Some(followed),
        () = let_go => None,
    };
    watcher.end();
    followed.transpose()?;
    Ok(follow.outcome.is_some())
}

async fn pressed(interrupt: &mut Signal) {
    // Without a stream of signals there is nothing to wait for, ever.
    if interrupt.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}

async fn follow_to_end(
    client: &Client,
    follow: &mut Follow,
    watcher: &mut impl Watcher,
) -> Result<(), ClientError> {
    let mut lost_since: Option<Instant> = None;
    while follow.outcome.is_none() {
        let seen = follow.last_event;
        let lost = match open(client, follow).await {
            Ok(mut events) => read(&mut events, follow, watcher).await,
            Err(error) => Err(error),
        };
        match lost {
            Err(error) if !error.is_transient() => return Err(error),
            _ if follow.outcome.is_some() => return Ok(()),
            lost => {
                if follow.last_event > seen {
                    lost_since = None;
                }
                if lost_since.is_none() {
                    watcher.remark(&told_lost(client.server()));
                }
                let since = *lost_since.get_or_insert_with(Instant::now);
                if since.elapsed() > BACK_WITHIN {
                    lost?;
                }
                tokio::time::sleep(TRY_EVERY).await;
            }
        }
    }
    Ok(())
}

fn told_lost(server: Option<&ServerAddress>) -> String {
    match server {
        Some(server) => {
            format!("lost {server}; trying to reach it again (the deployment goes on without)")
        }
        None => "the agent is gone; waiting until it is back (apps and traffic do without)".into(),
    }
}

async fn open(client: &Client, follow: &Follow) -> Result<EventStream, ClientError> {
    let path = Query::new(format!("/v1/deployments/{}/events", follow.deployment))
        .with("after", Some(follow.last_event))
        .build();
    client.events(&path).await
}

/// Reads until the stream ends, well or not.
async fn read(
    events: &mut EventStream,
    follow: &mut Follow,
    watcher: &mut impl Watcher,
) -> Result<(), ClientError> {
    while let Some(event) = events.next().await? {
        if follow.apply(&event) {
            watcher.tell(&event);
        }
        if follow.outcome.is_some() {
            break;
        }
    }
    Ok(())
}
