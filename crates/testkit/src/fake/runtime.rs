//! Instances of the simulated host.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use landfall_model::env::EnvValues;
use landfall_model::spec::StopSpec;
use landfall_model::{CommandSpec, InstanceId};
use landfall_runtime::{
    InstanceSpec, InstanceStatus, LogLine, LogQuery, Runtime, RuntimeError, Stream,
};
use tokio::sync::mpsc;

use super::behaviour::Behaviour;
use super::clock;
use super::faults::Injected;
use super::host::Host;
use super::instance::FakeInstance;

/// The agent's side of the instances.
pub struct FakeRuntime(pub Arc<Host>);

fn injected(id: &InstanceId) -> impl FnOnce(Injected) -> RuntimeError {
    let id = id.clone();
    move |_| RuntimeError::Shim {
        id,
        message: Injected::MESSAGE.into(),
    }
}

fn nameless() -> InstanceId {
    "all".parse().expect("a good name")
}

impl FakeRuntime {
    fn look(&self, id: &InstanceId) -> Result<InstanceStatus, RuntimeError> {
        let state = self.0.state();
        let found = state.instances.get(id).map(FakeInstance::status);
        found.ok_or_else(|| RuntimeError::NotFound(id.clone()))
    }

    async fn wait_change(
        &self,
        id: &InstanceId,
        seen: u64,
    ) -> Result<InstanceStatus, RuntimeError> {
        let mut bell = self.0.bell();
        loop {
            bell.mark_unchanged();
            let status = self.look(id)?;
            if status.seq > seen {
                return Ok(status);
            }
            let next = self
                .0
                .state()
                .instances
                .get(id)
                .and_then(|i| i.next_change());
            let now = self.0.now();
            let by_itself = async {
                match next {
                    Some(at) => tokio::time::sleep(at.saturating_sub(now)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = bell.changed() => {}
                () = by_itself => {}
            }
        }
    }

    async fn wait_gone(&self, id: &InstanceId) {
        while let Ok(status) = self.look(id) {
            let is_gone = |i: &FakeInstance| !i.is_supervised();
            if self.0.state().instances.get(id).is_none_or(is_gone) {
                return;
            }
            let _ = self.wait_change(id, status.seq).await;
        }
    }

    fn begin(&self, spec: &InstanceSpec) -> Result<(), RuntimeError> {
        let broken = |message: String| RuntimeError::Start {
            id: spec.id.clone(),
            message,
        };
        let (argv, dir) = spec
            .run
            .process()
            .ok_or_else(|| broken("no engine".into()))?;
        let behaviour = Behaviour::of(argv).ok_or_else(|| broken("no such program".into()))?;
        if !dir.is_dir() {
            return Err(broken(format!("no directory {}", dir.display())));
        }
        let now = self.0.now();
        let mut state = self.0.state();
        match state.instances.get_mut(&spec.id) {
            Some(instance) if instance.is_supervised() => {}
            Some(instance) => instance.start_again(now),
            None => {
                let instance = FakeInstance::start(spec, behaviour, now);
                state.instances.insert(spec.id.clone(), instance);
            }
        }
        drop(state);
        self.0.ring();
        Ok(())
    }

    fn lines(&self, id: &InstanceId) -> Vec<LogLine> {
        let state = self.0.state();
        let line = |text: &String| LogLine {
            at: clock::at(std::time::Duration::ZERO),
            stream: Stream::Stdout,
            text: text.clone(),
        };
        let log = state.instances.get(id).map(|i| &i.behaviour.log);
        log.into_iter().flatten().map(line).collect()
    }
}

#[async_trait]
impl Runtime for FakeRuntime {
    async fn start(&self, spec: &InstanceSpec, _env: &EnvValues) -> Result<(), RuntimeError> {
        let call = self.0.enter("start").map_err(injected(&spec.id))?;
        self.begin(spec)?;
        self.0.leave(call, "started").map_err(injected(&spec.id))
    }

    async fn stop(&self, id: &InstanceId, _stop: &StopSpec) -> Result<(), RuntimeError> {
        let call = self.0.enter("stop").map_err(injected(id))?;
        self.0.tell_stop(id);
        self.0.ring();
        self.0.leave(call, "signalled").map_err(injected(id))?;
        self.wait_gone(id).await;
        self.0.pass("gone");
        Ok(())
    }

    async fn status(&self, id: &InstanceId) -> Result<InstanceStatus, RuntimeError> {
        self.0.enter("status").map_err(injected(id))?;
        self.look(id)
    }

    async fn list(&self) -> Result<Vec<InstanceStatus>, RuntimeError> {
        self.0.enter("list").map_err(injected(&nameless()))?;
        let state = self.0.state();
        Ok(state.instances.values().map(FakeInstance::status).collect())
    }

    async fn changed(&self, id: &InstanceId, seen: u64) -> Result<InstanceStatus, RuntimeError> {
        self.0.enter("changed").map_err(injected(id))?;
        self.wait_change(id, seen).await
    }

    async fn address(&self, id: &InstanceId) -> Result<Option<SocketAddr>, RuntimeError> {
        self.0.enter("address").map_err(injected(id))?;
        let port = self.look(id)?.spec.port;
        Ok(port.map(|port| (Ipv4Addr::LOCALHOST, port).into()))
    }

    async fn listening(&self, id: &InstanceId) -> Result<Vec<SocketAddr>, RuntimeError> {
        self.0.enter("listening").map_err(injected(id))?;
        let now = self.0.now();
        let state = self.0.state();
        let found = state.instances.get(id).and_then(|i| i.listening(now));
        Ok(found.into_iter().collect())
    }

    async fn exec(
        &self,
        id: &InstanceId,
        _command: &CommandSpec,
        _env: &EnvValues,
    ) -> Result<(i32, String), RuntimeError> {
        self.0.enter("exec").map_err(injected(id))?;
        Ok((i32::from(!self.0.is_ready(id)), String::new()))
    }

    async fn logs(&self, id: &InstanceId, _query: &LogQuery) -> Result<Vec<LogLine>, RuntimeError> {
        self.0.enter("logs").map_err(injected(id))?;
        Ok(self.lines(id))
    }

    async fn follow_logs(
        &self,
        id: &InstanceId,
        _query: &LogQuery,
        lines: mpsc::Sender<LogLine>,
    ) -> Result<(), RuntimeError> {
        self.0.enter("follow_logs").map_err(injected(id))?;
        for line in self.lines(id) {
            if lines.send(line).await.is_err() {
                return Ok(());
            }
        }
        self.wait_gone(id).await;
        Ok(())
    }

    async fn remove(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        let call = self.0.enter("remove").map_err(injected(id))?;
        let mut state = self.0.state();
        if state
            .instances
            .get(id)
            .is_some_and(FakeInstance::is_supervised)
        {
            drop(state);
            return Err(RuntimeError::Shim {
                id: id.clone(),
                message: "is still running; stop it first".into(),
            });
        }
        state.instances.remove(id);
        drop(state);
        self.0.leave(call, "removed").map_err(injected(id))
    }
}
