//! Compose projects of the simulated host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use landfall_agent::ports::ComposeProjects;
use landfall_model::compose::{ComposeContainer, RestartPolicy};
use landfall_model::container::NetworkRef;
use landfall_model::spec::StopSpec;
use landfall_model::{Cause, CauseKind};
use landfall_runtime::Owner;

use super::faults::Injected;
use super::host::Host;

/// The agent's side of Compose projects.
pub struct FakeProjects(pub Arc<Host>);

/// What a container of a project is like now: whether it runs, what the engine does when it ends,
/// and the networks that it was put on.
pub type ContainerState = (bool, String, BTreeSet<String>);

/// The containers of all projects, by their ids.
#[derive(Clone, Default)]
pub(super) struct Projects {
    containers: BTreeMap<String, (ComposeContainer, BTreeSet<String>)>,
}

impl Host {
    /// Has the host run a container of a Compose project.
    pub fn run_of_compose(&self, container: ComposeContainer) {
        let mut state = self.state();
        let all = &mut state.projects.containers;
        all.insert(container.id.clone(), (container, BTreeSet::new()));
    }

    /// What the containers of Compose projects are like, by their names.
    pub fn compose(&self) -> BTreeMap<String, ContainerState> {
        let state = self.state();
        let all = state.projects.containers.values();
        all.map(|(container, networks)| {
            let policy = container.restart.name.clone();
            let what = (container.runs, policy, networks.clone());
            (container.name.clone(), what)
        })
        .collect()
    }
}

fn silent(_: Injected) -> Cause {
    Cause::new(CauseKind::Internal, Injected::MESSAGE)
}

impl FakeProjects {
    fn change(
        &self,
        (name, done): (&'static str, &'static str),
        id: &str,
        change: impl FnOnce(&mut ComposeContainer, &mut BTreeSet<String>),
    ) -> Result<(), Cause> {
        let call = self.0.enter(name).map_err(silent)?;
        if let Some((container, networks)) = self.0.state().projects.containers.get_mut(id) {
            change(container, networks);
        }
        self.0.leave(call, done).map_err(silent)
    }
}

#[async_trait]
impl ComposeProjects for FakeProjects {
    async fn running(&self) -> Result<Vec<String>, Cause> {
        Ok(Vec::new())
    }

    async fn containers(&self, _project: &str) -> Result<Vec<ComposeContainer>, Cause> {
        self.0.enter("compose containers").map_err(silent)?;
        let state = self.0.state();
        let all = state.projects.containers.values();
        Ok(all.map(|(container, _)| container.clone()).collect())
    }

    async fn has_volume(&self, _name: &str) -> Result<bool, Cause> {
        Ok(true)
    }

    async fn stop(&self, container: &str, _stop: &StopSpec) -> Result<(), Cause> {
        let points = ("compose stop", "compose stopped");
        self.change(points, container, |container, _| {
            container.restart = container.restart.at_rest();
            container.runs = false;
        })
    }

    async fn start(&self, container: &str, policy: &RestartPolicy) -> Result<(), Cause> {
        let points = ("compose start", "compose started");
        self.change(points, container, |container, _| {
            container.restart = policy.clone();
            container.runs = true;
        })
    }

    async fn join(
        &self,
        container: &str,
        network: &NetworkRef,
        _owner: &Owner,
    ) -> Result<(), Cause> {
        let points = ("compose join", "compose joined");
        self.change(points, container, |_, networks| {
            networks.insert(network.name.clone());
        })
    }

    async fn leave(&self, container: &str, network: &str) -> Result<(), Cause> {
        let points = ("compose leave", "compose left");
        self.change(points, container, |_, networks| {
            networks.remove(network);
        })
    }
}
