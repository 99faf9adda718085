//! An agent on a simulated host: its start, its death, and time until all is quiet.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use landfall_agent::api::types::DeployRequest;
use landfall_agent::deployments::Deployments;
use landfall_agent::events::Events;
use landfall_agent::failpoint;
use landfall_agent::paths::StatePaths;
use landfall_agent::ports::artifacts::BuildJob;
use landfall_agent::ports::{BuiltInputs, Images};
use landfall_agent::reconcile::{self, ProxyKeeper};
use landfall_agent::routes::Routes;
use landfall_agent::world::World;
use landfall_model::env::Secret;
use landfall_model::spec::ImageBuildSpec;
use landfall_model::{Cause, CauseKind, DeploymentId, Digest};
use landfall_store::{DeploymentRow, Store};
use landfall_testkit::fake::{
    FakeArtifacts, FakeClock, FakeProber, FakeProjects, FakeProxy, FakeRuntime, FakeSystem, Host,
    Image, elapse,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub const TOKEN: &str = "simulated-token";
/// Simulated time after which nothing is waited for any more.
const WEDGED: Duration = Duration::from_secs(3600);
/// Simulated time in which reconcilers look at least twice.
const LOOKS: Duration = Duration::from_millis(1200);

/// A state directory of which nothing is worth a disk.
pub fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("landfall-sim-");
    builder
        .tempdir_in(memory)
        .or_else(|_| builder.tempdir())
        .unwrap()
}

/// An agent that runs. Dropping it is killing it.
pub struct Agent {
    pub world: World,
    pub deployments: Deployments,
    pub host: Arc<Host>,
    /// Last, so that its tasks end while the rest is there.
    runtime: Runtime,
}

impl Agent {
    /// Starts an agent on what is there.
    pub fn start(host: &Arc<Host>, root: &Path) -> Self {
        let agent = Self::idle(host, root);
        let keeper = ProxyKeeper {
            runtime: Arc::new(FakeSystem::default()),
            argv: vec!["proxy".into()],
            dir: PathBuf::from("/"),
            env: vec![],
        };
        let (world, deployments) = (agent.world.clone(), agent.deployments.clone());
        agent.run(async {
            deployments.resume().unwrap();
            let stop = CancellationToken::new();
            tokio::spawn(reconcile::run(world, deployments, Some(keeper), stop));
        });
        agent
    }

    /// An agent that does nothing by itself.
    fn idle(host: &Arc<Host>, root: &Path) -> Self {
        // Ids and ports, of this thread alone.
        fastrand::seed(host.seed());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let world = world(host, root);
        let deployments = Deployments::new(world.clone());
        let passed = host.clone();
        failpoint::watch(Some(Rc::new(move |name| passed.pass(name))));
        runtime.block_on(async {
            host.now();
            tokio::spawn(users(host.clone()));
        });
        Self {
            world,
            deployments,
            host: host.clone(),
            runtime,
        }
    }

    /// Runs something while the agent runs.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Lets time pass.
    pub fn pass(&self, ms: u64) {
        self.run(elapse(Duration::from_millis(ms)));
    }

    /// Asks for a deployment.
    pub fn submit(&self, request: DeployRequest) -> Option<DeploymentId> {
        let accepted = self.run(self.deployments.submit(request));
        accepted.unwrap_or_else(|why| panic!("{why:?}")).deployment
    }

    /// Runs until nothing is under way and reconcilers have looked since.
    pub fn settle(&self) {
        self.run(async {
            let begun = self.host.now();
            while !self.deployments.active().is_empty()
                || !self.world.store.open_deployments().unwrap().is_empty()
            {
                let waited = self.host.now() - begun;
                assert!(waited < WEDGED, "a deployment does not end");
                elapse(Duration::from_millis(100)).await;
            }
            elapse(LOOKS).await;
        });
    }

    /// Deploys and waits for the end.
    pub fn deploy(&self, request: DeployRequest) -> DeploymentRow {
        let id = self.submit(request).expect("something to do");
        self.settle();
        self.row(id)
    }

    pub fn row(&self, id: DeploymentId) -> DeploymentRow {
        self.world.store.deployment(id).unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        failpoint::watch(None);
    }
}

fn world(host: &Arc<Host>, root: &Path) -> World {
    let paths = StatePaths::new(root);
    let store = Store::open(&paths.database()).unwrap();
    let clock = Arc::new(FakeClock(host.clone()));
    let proxy = Arc::new(FakeProxy(host.clone()));
    let http = ([127, 0, 0, 1], 8080).into();
    let token = Secret::new(TOKEN);
    let runtime = Arc::new(FakeRuntime(host.clone()));
    let routes = Routes::new(
        store.clone(),
        proxy.clone(),
        runtime.clone(),
        http,
        token.clone(),
    );
    World {
        runtime,
        images: Arc::new(NoImages),
        compose: Arc::new(FakeProjects(host.clone())),
        proxy,
        prober: Arc::new(FakeProber(host.clone())),
        artifacts: Arc::new(FakeArtifacts::new(host.clone())),
        events: Events::new(store.clone(), clock.clone()),
        routes: Arc::new(routes),
        clock,
        paths,
        store,
        http,
        probe_token: token,
        base_env: Arc::new(vec![]),
        users: None,
    }
}

/// Simulated apps are made of processes.
struct NoImages;

#[async_trait::async_trait]
impl Images for NoImages {
    async fn find(&self, _name: &str) -> Result<Option<Digest>, Cause> {
        Ok(None)
    }

    async fn contains(&self, _id: Digest) -> bool {
        false
    }

    async fn inputs(&self, _: &Path, _: &ImageBuildSpec) -> Result<BuiltInputs, Cause> {
        Err(no_engine())
    }

    async fn build(
        &self,
        _: &BuildJob,
        _: &ImageBuildSpec,
        _: &Digest,
        _: mpsc::Sender<String>,
    ) -> Result<Digest, Cause> {
        Err(no_engine())
    }

    async fn pull(&self, _: &str, _: mpsc::Sender<String>) -> Result<Digest, Cause> {
        Err(no_engine())
    }

    async fn remove_except(&self, _: &BTreeSet<Digest>) -> Result<(), Cause> {
        Ok(())
    }
}

fn no_engine() -> Cause {
    Cause::new(CauseKind::Refused, "there is no engine")
}

async fn users(host: Arc<Host>) {
    loop {
        host.look_as_users("users");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A host that something happened on, to begin simulations from.
pub struct Begun {
    pub root: TempDir,
    pub image: Image,
}

impl Begun {
    pub fn with(prepare: impl FnOnce(&Agent)) -> Self {
        let root = scratch();
        let host = Host::new();
        let agent = Agent::start(&host, root.path());
        prepare(&agent);
        let image = agent.run(async { host.image(root.path()).unwrap() });
        drop(agent);
        Self { root, image }
    }

    /// An agent on the host as it was then.
    pub fn agent(&self) -> Agent {
        self.agent_on(&self.image)
    }

    /// The same that does nothing by itself.
    pub fn idle_agent(&self) -> Agent {
        let host = self.image.restore(self.root.path()).unwrap();
        Agent::idle(&host, self.root.path())
    }

    pub fn agent_on(&self, image: &Image) -> Agent {
        let host = image.restore(self.root.path()).unwrap();
        Agent::start(&host, self.root.path())
    }
}
