//! Where state is on a host. Knows names only; creates and reads nothing.

use std::path::{Path, PathBuf};

use landfall_model::{AppName, EnvironmentName, InstanceId, ReleaseNumber, ServiceName};

/// The directories and files under one state directory.
#[derive(Debug, Clone)]
pub struct StatePaths {
    root: PathBuf,
}

impl StatePaths {
    /// The layout under `root`, which is absolute.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The state directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The agent's socket.
    pub fn agent_socket(&self) -> PathBuf {
        self.root.join("run/agent.sock")
    }

    /// The proxy's control socket.
    pub fn proxy_socket(&self) -> PathBuf {
        self.root.join("run/proxy.sock")
    }

    /// Locked by the agent for as long as it runs, so that there is never a second one.
    pub fn agent_lock(&self) -> PathBuf {
        self.root.join("run/agent.lock")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.root.join("state.db")
    }

    /// The content store.
    pub fn content(&self) -> PathBuf {
        self.root.join("content")
    }

    /// The proxy's own state: last snapshot, access log.
    pub fn proxy(&self) -> PathBuf {
        self.root.join("proxy")
    }

    /// Records and logs of app instances.
    pub fn instances(&self) -> PathBuf {
        self.root.join("instances")
    }

    /// The id by which this directory's containers are known.
    pub fn home_id(&self) -> PathBuf {
        self.root.join("home-id")
    }

    /// Records of app instances that are containers.
    pub fn containers(&self) -> PathBuf {
        self.root.join("containers")
    }

    /// Records and logs of Landfall's own processes.
    pub fn system(&self) -> PathBuf {
        self.root.join("system")
    }

    /// Everything of an environment.
    pub fn environment(&self, app: &AppName, environment: &EnvironmentName) -> PathBuf {
        self.root
            .join("apps")
            .join(app.as_str())
            .join(environment.as_str())
    }

    /// The trees of a release.
    pub fn release(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        release: ReleaseNumber,
    ) -> PathBuf {
        self.environment(app, environment)
            .join("releases")
            .join(release.to_string())
    }

    /// Files of a release that its containers find in place.
    pub fn release_files(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        release: ReleaseNumber,
    ) -> PathBuf {
        // No service can have this name.
        self.release(app, environment, release).join(".files")
    }

    /// The persistent paths of a service.
    pub fn persistent(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        service: &ServiceName,
    ) -> PathBuf {
        self.environment(app, environment)
            .join("persistent")
            .join(service.as_str())
    }

    /// The directory of an instance.
    pub fn instance(&self, id: &InstanceId) -> PathBuf {
        self.instances().join(id.as_str())
    }
}
