//! Takes requests for deployments, queues them by environment, and has one at a time carried out.

mod run;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use landfall_model::event::Event;
use landfall_model::plan::{Intent, Plan};
use landfall_model::rollout::{Outcome, Phase};
use landfall_model::{Cause, CauseKind, DeploymentId, Digest, ServiceName};
use landfall_store::{DeploymentRow, EnvironmentKey, NewDeployment};
use tokio_util::sync::CancellationToken;

use crate::api::types::{
    CancelRequest, DeployAccepted, DeployFrom, DeployRequest, DeploySource, PlanRequest,
    PlanResponse,
};
use crate::planner::plan_request;
use crate::ports::Elsewhere;
use crate::sources;
use crate::world::{World, store_cause};

/// Earlier trees of a service that a new one may resemble: the last one does most.
const KNOWN: usize = 3;

/// All deployments of this host.
#[derive(Clone)]
pub struct Deployments {
    world: World,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Environments with a deployment under way, and how it is cancelled.
    active: HashMap<EnvironmentKey, Active>,
    /// What whoever asked brought for the builds of queued deployments; never written down.
    brought: HashMap<DeploymentId, Brought>,
    /// Environments in which nothing may be deployed now, because they are being removed.
    reserved: HashSet<EnvironmentKey>,
    /// Whether new deployments are turned away because the agent is about to stop.
    closed: bool,
}

/// What a deployment has of whoever asked for it, besides what is kept of the request.
#[derive(Debug, Default)]
struct Brought {
    /// Variables for build commands.
    build_env: BTreeMap<String, String>,
    /// Builds that are made elsewhere; `None` where the agent builds.
    elsewhere: Option<Elsewhere>,
}

impl Brought {
    fn by(deploy: DeploySource) -> Self {
        Self {
            build_env: deploy.build_env,
            elsewhere: match deploy.from {
                DeployFrom::Directory(_) => None,
                DeployFrom::Elsewhere(builds) => Some(builds),
            },
        }
    }
}

/// Keeps deployments out of an environment until it is dropped.
pub struct Reserved {
    shared: Arc<Mutex<Shared>>,
    key: EnvironmentKey,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        lock(&self.shared).reserved.remove(&self.key);
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Active {
    id: DeploymentId,
    cancel: CancellationToken,
}

/// Why a request was not taken.
#[derive(Debug)]
pub enum Rejected {
    /// Another plan is due than the one that was confirmed.
    PlanChanged,
    /// It contradicts what is.
    Cause(Cause),
}

impl From<Cause> for Rejected {
    fn from(cause: Cause) -> Self {
        Self::Cause(cause)
    }
}

impl Deployments {
    /// No deployments yet.
    pub fn new(world: World) -> Self {
        Self {
            world,
            shared: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }

    /// Environments with a deployment under way.
    pub fn active(&self) -> HashSet<EnvironmentKey> {
        self.lock().active.keys().cloned().collect()
    }

    /// What a request would do now.
    ///
    /// # Errors
    /// When it contradicts what is.
    pub async fn plan(&self, request: &PlanRequest) -> Result<PlanResponse, Cause> {
        let (key, new) = self.take_up(request).await?;
        self.planned(request, &key, &new).await
    }

    async fn planned(
        &self,
        request: &PlanRequest,
        key: &EnvironmentKey,
        new: &NewDeployment,
    ) -> Result<PlanResponse, Cause> {
        let deploy = request.deploy.as_ref();
        let elsewhere = deploy.and_then(|deploy| deploy.from.elsewhere());
        let planned = plan_request(&self.world, key, new, elsewhere).await?;
        let digest = planned.plan.digest();
        let known = match elsewhere {
            Some(_) => self.known(key, &planned.plan)?,
            None => BTreeMap::new(),
        };
        Ok(PlanResponse {
            plan: planned.plan,
            digest,
            known,
        })
    }

    /// A request with its source tree laid out, where it brought one.
    async fn take_up(
        &self,
        request: &PlanRequest,
    ) -> Result<(EnvironmentKey, NewDeployment), Cause> {
        let (key, mut new) = split(request);
        let source = request.deploy.as_ref().and_then(|deploy| deploy.source);
        if let Some(tree) = source {
            let place = sources::lay_out(&self.world, &key, tree).await?;
            sources::forget(&self.world, &key, &place)?;
            new.root = Some(place);
        }
        Ok((key, new))
    }

    fn known(
        &self,
        key: &EnvironmentKey,
        plan: &Plan,
    ) -> Result<BTreeMap<ServiceName, Vec<Digest>>, Cause> {
        let needed = plan.builds.iter().filter(|line| line.build);
        let known = needed.map(|line| {
            let newest = self
                .world
                .store
                .newest_builds(&key.app, &line.service, KNOWN);
            Ok((line.service.clone(), newest.map_err(store_cause)?))
        });
        known.collect()
    }

    /// Takes a request: runs it now, queues it, or does nothing when there is nothing to do.
    ///
    /// # Errors
    /// When it contradicts what is, or when another plan is due than the one expected.
    pub async fn submit(&self, request: DeployRequest) -> Result<DeployAccepted, Rejected> {
        let (key, new) = self.take_up(&request.plan).await?;
        let response = self.planned(&request.plan, &key, &new).await?;
        let is_busy = self.lock().active.contains_key(&key);
        if !is_busy {
            check_expected(request.expect, &response)?;
            if response.plan.is_noop() {
                return Ok(DeployAccepted {
                    deployment: None,
                    plan: response.plan,
                });
            }
        }
        if self.lock().closed {
            let message = "the agent is about to stop";
            return Err(Cause::new(CauseKind::Refused, message).into());
        }
        let store = &self.world.store;
        if request.supersede {
            self.supersede(&key)?;
        }
        let id = {
            // Held over both, so that nothing is queued in an environment that is being removed.
            let shared = self.lock();
            if shared.reserved.contains(&key) {
                return Err(is_reserved(&key).into());
            }
            store.ensure_environment(&key).map_err(store_cause)?;
            let id = store.queue_deployment(&key, &new, &request.by, self.world.now());
            id.map_err(store_cause)?
        };
        if let Some(deploy) = request.plan.deploy {
            self.lock().brought.insert(id, Brought::by(deploy));
        }
        if let Some(active) = self.lock().active.get(&key) {
            self.world.events.emit(
                id,
                Event::Queued {
                    behind: active.id.0,
                },
            );
        }
        self.kick(&key);
        Ok(DeployAccepted {
            deployment: Some(id),
            plan: response.plan,
        })
    }

    /// Keeps deployments out of an environment.
    ///
    /// # Errors
    /// When one is under way or waits, or somebody else keeps them out.
    pub fn reserve(&self, key: &EnvironmentKey) -> Result<Reserved, Cause> {
        let open = self.world.store.open_deployments().map_err(store_cause)?;
        let mut shared = self.lock();
        if let Some(row) = open.iter().find(|row| row.key == *key) {
            let message = format!("deployment {} of {key} is under way", row.id);
            let fix = format!("wait for its end, or `landfall cancel {}`", row.id);
            return Err(Cause::new(CauseKind::Refused, message).with_fix(fix));
        }
        if shared.active.contains_key(key) || !shared.reserved.insert(key.clone()) {
            return Err(is_reserved(key));
        }
        Ok(Reserved {
            shared: self.shared.clone(),
            key: key.clone(),
        })
    }

    /// Asks for the end of a deployment.
    ///
    /// # Errors
    /// When it has ended, or cancelling would not change its outcome any more, or users may have
    /// met its release and it is to be cancelled only before that.
    pub fn cancel(&self, id: DeploymentId, request: &CancelRequest) -> Result<(), Cause> {
        let by = request.by.as_str();
        let row = self.world.store.deployment(id).map_err(|_| unknown(id))?;
        let refused = |message: String| Err(Cause::new(CauseKind::Refused, message));
        if let Some(outcome) = row.phase.outcome() {
            return refused(format!("deployment {id} has ended already: {outcome:?}"));
        }
        if !row.phase.can_cancel() {
            return refused(format!(
                "deployment {id} is {:?}: it ends by itself",
                row.phase
            ));
        }
        if request.before_switch && !matches!(row.phase, Phase::Queued | Phase::Preparing) {
            return refused(format!("users have met the release of deployment {id}"));
        }
        self.world
            .store
            .request_cancel(id, by)
            .map_err(store_cause)?;
        self.world
            .events
            .emit(id, Event::CancelRequested { by: by.to_owned() });
        if row.phase == Phase::Queued && !self.is_active(&row) {
            let cause = Cause::new(CauseKind::Cancelled, format!("cancelled by {by}"));
            self.end_queued(&row, Outcome::Stopped, cause);
            return Ok(());
        }
        if let Some(active) = self
            .lock()
            .active
            .get(&row.key)
            .filter(|active| active.id == id)
        {
            active.cancel.cancel();
        }
        Ok(())
    }

    fn is_active(&self, row: &DeploymentRow) -> bool {
        self.lock()
            .active
            .get(&row.key)
            .is_some_and(|active| active.id == row.id)
    }

    /// Ends everything that waits for its turn in an environment.
    fn supersede(&self, key: &EnvironmentKey) -> Result<(), Cause> {
        let open = self.world.store.open_deployments().map_err(store_cause)?;
        for row in open
            .iter()
            .filter(|row| row.key == *key && row.phase == Phase::Queued)
        {
            if !self.is_active(row) {
                let message = "a newer deployment took its place in the queue";
                let cause = Cause::new(CauseKind::Cancelled, message);
                self.end_queued(row, Outcome::Superseded, cause);
            }
        }
        Ok(())
    }

    fn end_queued(&self, row: &DeploymentRow, outcome: Outcome, cause: Cause) {
        self.lock().brought.remove(&row.id);
        run::end_early(&self.world, row.id, &row.key, outcome, cause);
    }

    /// Turns new deployments away, and tells whether one is under way.
    pub fn close(&self) -> bool {
        let mut shared = self.lock();
        shared.closed = true;
        !shared.active.is_empty()
    }

    /// Takes new deployments again.
    pub fn reopen(&self) {
        self.lock().closed = false;
    }
}

fn is_reserved(key: &EnvironmentKey) -> Cause {
    Cause::new(CauseKind::Refused, format!("{key} is being removed"))
}

fn check_expected(expect: Option<Digest>, due: &PlanResponse) -> Result<(), Rejected> {
    match expect {
        Some(expected) if expected != due.digest => Err(Rejected::PlanChanged),
        _ => Ok(()),
    }
}

fn split(request: &PlanRequest) -> (EnvironmentKey, NewDeployment) {
    let key = EnvironmentKey {
        app: request.app.clone(),
        environment: request.environment.clone(),
    };
    let deploy = match request.intent {
        Intent::Deploy { .. } => request.deploy.as_ref(),
        _ => None,
    };
    let new = NewDeployment {
        intent: request.intent.clone(),
        spec: deploy.map(|deploy| deploy.spec.clone()),
        root: deploy.and_then(|deploy| deploy.from.directory().cloned()),
        source: deploy.map(|deploy| deploy.info.clone()).unwrap_or_default(),
    };
    (key, new)
}

fn unknown(id: DeploymentId) -> Cause {
    Cause::new(CauseKind::Refused, format!("there is no deployment {id}"))
}
