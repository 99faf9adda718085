//! Where state is on a host. Knows names only; creates and reads nothing.

use std::path::{Path, PathBuf};

use landfall_model::{AppName, EnvironmentName, InstanceId, ReleaseNumber, ServiceName};

/// The state of the agent of a host.
pub const HOST_STATE: &str = "/var/lib/landfall";
/// The sockets of the agent of a host: gone with every boot.
pub const HOST_RUN: &str = "/run/landfall";
/// The state of the proxy of a host, which is another user's.
pub const HOST_PROXY_STATE: &str = "/var/lib/landfall-proxy";
/// The control socket's directory of the proxy of a host.
pub const HOST_PROXY_RUN: &str = "/run/landfall-proxy";

/// The directories and files under one state directory.
#[derive(Debug, Clone)]
pub struct StatePaths {
    root: PathBuf,
    run: PathBuf,
    proxy: PathBuf,
    proxy_run: PathBuf,
}

impl StatePaths {
    /// The layout under `root`, which is absolute.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            run: root.join("run"),
            proxy: root.join("proxy"),
            proxy_run: root.join("run"),
            root,
        }
    }

    /// Where the agent of a host and its proxy keep their state, as two users.
    pub fn of_host() -> Self {
        Self {
            root: HOST_STATE.into(),
            run: HOST_RUN.into(),
            proxy: HOST_PROXY_STATE.into(),
            proxy_run: HOST_PROXY_RUN.into(),
        }
    }

    /// Whether these are the paths of the agent of a host, which its init system keeps.
    pub fn is_of_host(&self) -> bool {
        self.root == Path::new(HOST_STATE)
    }

    /// The state directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The agent's socket.
    pub fn agent_socket(&self) -> PathBuf {
        self.run.join("agent.sock")
    }

    /// The proxy's control socket.
    pub fn proxy_socket(&self) -> PathBuf {
        self.proxy_run.join("proxy.sock")
    }

    /// Locked by the agent for as long as it runs, so that there is never a second one.
    pub fn agent_lock(&self) -> PathBuf {
        self.root.join("agent.lock")
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
        self.proxy.clone()
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

    /// Source trees that were brought here, for builds.
    pub fn sources(&self, app: &AppName, environment: &EnvironmentName) -> PathBuf {
        self.environment(app, environment).join("sources")
    }

    /// Where processes are built from those.
    pub fn build(&self, app: &AppName, environment: &EnvironmentName) -> PathBuf {
        self.environment(app, environment).join("build")
    }

    /// The home directory of the user who builds: what package managers keep.
    pub fn build_home(&self, app: &AppName, environment: &EnvironmentName) -> PathBuf {
        self.environment(app, environment).join("build-home")
    }

    /// The home directory of an environment's user.
    pub fn home(&self, app: &AppName, environment: &EnvironmentName) -> PathBuf {
        self.environment(app, environment).join("home")
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
