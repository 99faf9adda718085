//! The runtime of Landfall's own processes, of which the simulations need only that they run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use landfall_model::env::EnvValues;
use landfall_model::spec::StopSpec;
use landfall_model::{CommandSpec, InstanceId};
use landfall_runtime::{InstanceSpec, InstanceStatus, LogLine, LogQuery, Runtime, RuntimeError};
use tokio::sync::mpsc;

use super::behaviour::Behaviour;
use super::instance::FakeInstance;

/// Runs whatever it is asked to, for ever.
#[derive(Default)]
pub struct FakeSystem(Mutex<BTreeMap<InstanceId, FakeInstance>>);

impl FakeSystem {
    fn look(&self, id: &InstanceId) -> Result<InstanceStatus, RuntimeError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(id).map(FakeInstance::status);
        found.ok_or_else(|| RuntimeError::NotFound(id.clone()))
    }
}

#[async_trait]
impl Runtime for FakeSystem {
    async fn start(&self, spec: &InstanceSpec, _env: &EnvValues) -> Result<(), RuntimeError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let instance = FakeInstance::start(spec, Behaviour::good("system"), Default::default());
        all.entry(spec.id.clone()).or_insert(instance);
        Ok(())
    }

    async fn stop(&self, id: &InstanceId, _stop: &StopSpec) -> Result<(), RuntimeError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(id);
        Ok(())
    }

    async fn status(&self, id: &InstanceId) -> Result<InstanceStatus, RuntimeError> {
        self.look(id)
    }

    async fn list(&self) -> Result<Vec<InstanceStatus>, RuntimeError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.values().map(FakeInstance::status).collect())
    }

    async fn changed(&self, _id: &InstanceId, _seen: u64) -> Result<InstanceStatus, RuntimeError> {
        std::future::pending().await
    }

    async fn address(&self, _id: &InstanceId) -> Result<Option<SocketAddr>, RuntimeError> {
        Ok(None)
    }

    async fn listening(&self, _id: &InstanceId) -> Result<Vec<SocketAddr>, RuntimeError> {
        Ok(Vec::new())
    }

    async fn exec(
        &self,
        _id: &InstanceId,
        _command: &CommandSpec,
        _env: &EnvValues,
    ) -> Result<(i32, String), RuntimeError> {
        Ok((0, String::new()))
    }

    async fn logs(
        &self,
        _id: &InstanceId,
        _query: &LogQuery,
    ) -> Result<Vec<LogLine>, RuntimeError> {
        Ok(Vec::new())
    }

    async fn follow_logs(
        &self,
        _id: &InstanceId,
        _query: &LogQuery,
        _lines: mpsc::Sender<LogLine>,
    ) -> Result<(), RuntimeError> {
        std::future::pending().await
    }

    async fn remove(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        self.stop(
            id,
            &StopSpec {
                signal: "SIGTERM".into(),
                grace: Default::default(),
            },
        )
        .await
    }
}
