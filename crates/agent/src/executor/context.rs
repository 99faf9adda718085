//! What the steps of one deployment share.

use std::collections::BTreeMap;

use landfall_model::event::Event;
use landfall_model::plan::{Plan, ServiceLine, StepName};
use landfall_model::release::{Artifact, Release};
use landfall_model::rollout::{Happened, Phase};
use landfall_model::{Cause, CauseKind, DeploymentId, ServiceName};
use landfall_store::{DeploymentRow, EnvironmentKey, InstancePhase, InstanceRow, NewDeployment};
use tokio_util::sync::CancellationToken;

use crate::failpoint;
use crate::ports::artifacts::{Elsewhere, Hold};
use crate::redact::Redactor;
use crate::world::{World, store_cause};

/// A deployment under way.
pub struct Context {
    /// The parts of the control plane.
    pub world: World,
    /// The deployment.
    pub id: DeploymentId,
    /// Its environment.
    pub key: EnvironmentKey,
    /// What was asked for.
    pub request: NewDeployment,
    /// Who asked.
    pub by: String,
    /// What is done.
    pub plan: Plan,
    /// Where it is. Only [`Context::advance`] changes it.
    phase: Phase,
    /// Variables of the person who deploys, for build commands.
    pub build_env: BTreeMap<String, String>,
    /// Builds that are made by whoever asked; `None` where they are made here.
    pub elsewhere: Option<Elsewhere>,
    /// Artifacts that exist, by the service that declares the build. Complete after the build.
    pub artifacts: BTreeMap<ServiceName, Artifact>,
    /// Keeps those artifacts until a release names them.
    pub holds: Vec<Hold>,
    /// The release that it makes or returns to. There after the step `prepare`.
    pub release: Option<Release>,
    /// The release that is live before it.
    pub old: Option<Release>,
    /// Set when someone asks for its end.
    pub cancel: CancellationToken,
}

impl Context {
    /// A deployment as its row tells.
    ///
    /// # Errors
    /// When it has no plan, or the store fails.
    pub fn from_row(world: World, row: DeploymentRow) -> Result<Self, Cause> {
        let plan = row
            .plan
            .ok_or_else(|| Cause::new(CauseKind::Internal, "it has no plan"))?;
        let old = match plan.from {
            Some(number) => world.store.release(&row.key, number).map_err(store_cause)?,
            None => None,
        };
        Ok(Self {
            world,
            id: row.id,
            key: row.key,
            request: row.request,
            by: row.requested_by,
            plan,
            phase: row.phase,
            build_env: BTreeMap::new(),
            elsewhere: None,
            artifacts: BTreeMap::new(),
            holds: Vec::new(),
            release: row.release,
            old: old.map(|row| row.release),
            cancel: CancellationToken::new(),
        })
    }

    /// Where it is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Moves to the next phase. The store is told, except where a transaction of the switch
    /// already did.
    ///
    /// # Errors
    /// When the transition is illegal or the store fails.
    pub fn advance(&mut self, event: Happened) -> Result<(), Cause> {
        let next = self.phase.next(event).map_err(internal)?;
        // In memory first: when the store fails, what is taken back depends on where it truly is.
        self.phase = next;
        if next.outcome().is_none() {
            failpoint::hit("phase");
            self.world
                .store
                .set_phase(self.id, next)
                .map_err(store_cause)?;
        }
        Ok(())
    }

    /// Takes up a deployment at a phase that its journal proves, without writing it.
    pub(super) fn resume_at(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// Tells what happens.
    pub fn emit(&self, event: Event) {
        self.world.events.emit(self.id, event);
    }

    /// Tells a line of progress within a step.
    pub fn progress(&self, step: StepName, message: impl Into<String>) {
        self.emit(Event::Progress {
            step,
            message: message.into(),
        });
    }

    /// The release that this deployment leads to.
    ///
    /// # Errors
    /// Before the step `prepare`, which is a defect.
    pub fn release(&self) -> Result<&Release, Cause> {
        self.release
            .as_ref()
            .ok_or_else(|| Cause::new(CauseKind::Internal, "no release yet"))
    }

    /// Instances that this deployment started or is about to.
    ///
    /// # Errors
    /// When the store fails.
    pub fn own_instances(&self) -> Result<Vec<InstanceRow>, Cause> {
        let rows = self.world.store.instances(&self.key).map_err(store_cause)?;
        let own = |row: &InstanceRow| row.deployment == self.id && row.phase != InstancePhase::Gone;
        Ok(rows.into_iter().filter(own).collect())
    }

    /// Instances that get requests once the switch is done: own ones and kept ones.
    ///
    /// # Errors
    /// When the store fails.
    pub fn serving_instances(&self) -> Result<Vec<InstanceRow>, Cause> {
        let rows = self.world.store.instances(&self.key).map_err(store_cause)?;
        let kept = |row: &InstanceRow| self.plan.services.iter().any(|l| l.keep.contains(&row.id));
        let serving = |row: &InstanceRow| {
            row.phase != InstancePhase::Gone && (row.deployment == self.id || kept(row))
        };
        Ok(rows.into_iter().filter(serving).collect())
    }

    /// Plan lines that satisfy a condition.
    pub fn lines(&self, wanted: impl Fn(&ServiceLine) -> bool) -> Vec<ServiceLine> {
        self.plan
            .services
            .iter()
            .filter(|line| wanted(line))
            .cloned()
            .collect()
    }

    /// Hides the secrets of the release in text that is shown.
    pub fn redactor(&self) -> Redactor {
        let specs = [
            self.request.spec.as_ref(),
            self.release.as_ref().map(|r| &r.spec),
        ];
        Redactor::new(specs.into_iter().flatten())
    }
}

/// A cause for a defect.
pub fn internal(error: impl std::fmt::Display) -> Cause {
    Cause::new(CauseKind::Internal, error.to_string())
}
