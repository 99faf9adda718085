//! Runs the deployments of an environment, one after the other.

use landfall_model::event::Event;
use landfall_model::plan::Intent;
use landfall_model::rollout::{Outcome, Phase};
use landfall_model::{Cause, CauseKind, DeploymentId};
use landfall_store::{DeploymentRow, EnvironmentKey};
use tokio_util::sync::CancellationToken;

use super::{Active, Deployments};
use crate::executor::{self, Context};
use crate::failpoint;
use crate::planner::{Planned, plan_request};
use crate::world::{World, store_cause};

impl Deployments {
    /// Takes up what a previous agent left: deployments under way are finished or taken back,
    /// those that wait get their turn.
    ///
    /// # Errors
    /// When the store fails.
    pub fn resume(&self) -> Result<(), Cause> {
        for row in self.world.store.open_deployments().map_err(store_cause)? {
            let is_deploy = matches!(row.request.intent, Intent::Deploy { .. });
            if row.phase != Phase::Queued {
                self.spawn(row);
            } else if is_deploy {
                // The variables of the person who deploys are not kept, so its builds would not
                // be the ones that were asked for.
                let message = "the agent stopped while this deployment waited for its turn";
                let cause = Cause::new(CauseKind::Interrupted, message).with_fix("deploy again");
                end_early(&self.world, row.id, &row.key, Outcome::Stopped, cause);
            } else {
                self.kick(&row.key);
            }
        }
        Ok(())
    }

    /// Runs the next deployment of an environment, unless one is under way.
    pub(super) fn kick(&self, key: &EnvironmentKey) {
        if self.lock().active.contains_key(key) {
            return;
        }
        let open = match self.world.store.open_deployments() {
            Ok(open) => open,
            Err(error) => return tracing::error!(?error, "failed to read the queue"),
        };
        if let Some(row) = open.into_iter().find(|row| row.key == *key) {
            self.spawn(row);
        }
    }

    fn spawn(&self, row: DeploymentRow) {
        let cancel = CancellationToken::new();
        let active = Active {
            id: row.id,
            cancel: cancel.clone(),
        };
        {
            let mut shared = self.lock();
            if shared.active.contains_key(&row.key) {
                return;
            }
            shared.active.insert(row.key.clone(), active);
        }
        let this = self.clone();
        tokio::spawn(async move {
            let (id, key) = (row.id, row.key.clone());
            // A panic in a step is a defect; it must end this deployment and not the queue.
            let run = tokio::spawn({
                let this = this.clone();
                async move { this.run(row, cancel).await }
            });
            if let Err(error) = run.await {
                tracing::error!(deployment = %id, ?error, "a deployment broke off");
                this.take_back(id, &key).await;
            }
            this.lock().active.remove(&key);
            this.kick(&key);
        });
    }

    /// Takes back what a defect broke off, as far as it goes without another one.
    async fn take_back(&self, id: DeploymentId, key: &EnvironmentKey) {
        let cause = || {
            Cause::new(CauseKind::Internal, "the agent met a defect in itself")
                .with_fix("see the agent's log: `landfall agent status`")
        };
        let (world, why) = (self.world.clone(), cause());
        let taken = tokio::spawn(async move {
            let row = world.store.deployment(id).map_err(store_cause)?;
            match row.phase {
                Phase::Ended(_) => Ok(()),
                Phase::Queued => Err(why),
                _ => executor::take_back(world, row, why).await.map(drop),
            }
        });
        match taken.await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => end_early(&self.world, id, key, Outcome::Stopped, why),
            Err(error) => {
                tracing::error!(deployment = %id, ?error, "taking it back broke off as well");
                let phase = self.world.store.deployment(id).map(|row| row.phase);
                let outcome = match phase {
                    Ok(Phase::Finishing) => Outcome::Succeeded,
                    Ok(Phase::Switching | Phase::Proving | Phase::GoingBack) => Outcome::RolledBack,
                    _ => Outcome::Stopped,
                };
                end_early(&self.world, id, key, outcome, cause());
            }
        }
    }

    async fn run(&self, row: DeploymentRow, cancel: CancellationToken) {
        let (id, key) = (row.id, row.key.clone());
        let result = match row.phase {
            Phase::Queued => self.run_queued(row, cancel).await,
            _ => executor::recover(self.world.clone(), row).await,
        };
        match result {
            Ok(outcome) => tracing::info!(deployment = %id, ?outcome, "deployment ended"),
            Err(cause) => end_early(&self.world, id, &key, Outcome::Stopped, cause),
        }
    }

    async fn run_queued(
        &self,
        row: DeploymentRow,
        cancel: CancellationToken,
    ) -> Result<Outcome, Cause> {
        let world = &self.world;
        let brought = self.lock().brought.remove(&row.id).unwrap_or_default();
        let elsewhere = brought.elsewhere.as_ref();
        let planned = plan_request(world, &row.key, &row.request, elsewhere).await?;
        if planned.plan.makes_release {
            // Taken before anything carries it, so that no number is ever used twice.
            world
                .store
                .take_release_number(&row.key)
                .map_err(store_cause)?;
        }
        failpoint::hit("before it begins");
        world
            .store
            .begin_deployment(row.id, &planned.plan, world.now())
            .map_err(store_cause)?;
        failpoint::hit("begun");
        let begun = world.store.deployment(row.id).map_err(store_cause)?;
        let mut ctx = Context::from_row(world.clone(), begun)?;
        let plan = &planned.plan;
        let steps = plan.steps.clone();
        ctx.emit(Event::Started {
            from: plan.from,
            to: plan.to,
            steps,
        });
        equip(&mut ctx, planned);
        ctx.build_env = brought.build_env;
        ctx.elsewhere = brought.elsewhere;
        ctx.cancel = cancel;
        Ok(executor::drive(ctx).await)
    }
}

fn equip(ctx: &mut Context, planned: Planned) {
    ctx.artifacts = planned.artifacts;
    ctx.holds = planned.holds;
    ctx.release = planned.release;
    ctx.request.spec = Some(planned.spec);
    ctx.request.source = planned.source;
}

/// Ends a deployment that never began, or that broke off.
pub(super) fn end_early(
    world: &World,
    id: DeploymentId,
    key: &EnvironmentKey,
    outcome: Outcome,
    cause: Cause,
) {
    let written = world
        .store
        .set_cause(id, &cause)
        .and_then(|()| world.store.end_deployment(id, outcome, world.now()));
    if let Err(error) = written {
        tracing::error!(deployment = %id, ?error, "failed to write the end of a deployment");
    }
    let live = world
        .store
        .environment(key)
        .ok()
        .flatten()
        .and_then(|row| row.live);
    world.events.emit(
        id,
        Event::Finished {
            outcome,
            cause: Some(cause),
            live,
        },
    );
}
