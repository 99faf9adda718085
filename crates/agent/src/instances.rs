//! What an instance of a release is started with: its spec, its port and its environment.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use landfall_model::env::{EnvValues, Resolve, Secret, ServiceAddress};
use landfall_model::release::Release;
use landfall_model::spec::{
    AppSpec, LifeSpec, Origin, ProcessSpec, ServiceKind, ServiceSpec, StopSpec,
};
use landfall_model::{Cause, CauseKind, CommandSpec, InstanceId, ServiceName, TaskName};
use landfall_runtime::{INSTANCE_FORMAT, InstanceSpec, LogSpec, Owner, RunSpec, RuntimeError};
use landfall_store::{EnvironmentKey, InstancePhase, InstanceRow, Store};

use crate::containers;
use crate::table::loopback;
use crate::world::{World, store_cause};

/// Ports for instances and addresses: below the kernel's range for outgoing connections
/// (32768 and up by default), so that none is taken between choosing it and listening on it.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
/// Attempts to find a free port before giving up.
const PORT_ATTEMPTS: usize = 200;

/// An instance with all that starting it needs.
pub struct Launch {
    /// What it is.
    pub spec: InstanceSpec,
    /// Its environment.
    pub env: EnvValues,
}

/// How an instance of `row` is started.
///
/// # Errors
/// When the service has nothing that runs, or a reference in its environment does not resolve.
pub fn launch(world: &World, release: &Release, row: &InstanceRow) -> Result<Launch, Cause> {
    let service = service(release, &row.service)?;
    let life = life(release, &row.service)?;
    let env = environment(world, release, &row.service, &row.id, row.port)?;
    let user = world.user(&row.key)?.map(|user| user.ids);
    let run = match &service.kind {
        ServiceKind::Container(container) => {
            RunSpec::Container(containers::run(world, release, service, container)?)
        }
        _ => {
            let process = process(release, &row.service)?;
            RunSpec::Process {
                argv: process.run.argv(),
                dir: tree(world, release, &row.service).join(&process.dir),
                user,
            }
        }
    };
    let spec = InstanceSpec {
        format: INSTANCE_FORMAT,
        id: row.id.clone(),
        owner: Some(Owner {
            app: row.key.app.clone(),
            environment: row.key.environment.clone(),
            service: row.service.clone(),
            task: None,
            release: row.release,
            deployment: Some(row.deployment),
        }),
        run,
        port: row.port,
        restart: Some(life.restart.clone()),
        stop: life.stop.clone(),
        limits: life.limits.clone(),
        log: LogSpec::default(),
    };
    Ok(Launch { spec, env })
}

/// How a task of `release` is started, as an instance that runs once.
///
/// # Errors
/// As [`launch`].
pub fn launch_task(
    world: &World,
    release: &Release,
    name: &TaskName,
    deployment: Option<landfall_model::DeploymentId>,
) -> Result<Launch, Cause> {
    let spec = &release.spec;
    let unknown = || {
        Cause::new(
            CauseKind::Refused,
            format!("release {} has no task {name}", release.number),
        )
    };
    let task = spec.tasks.get(name).ok_or_else(unknown)?;
    let (service, life) = (
        service(release, &task.service)?,
        life(release, &task.service)?,
    );
    let id = instance_id(&format!("{name}-{}-task", release.number))?;
    let mut env = environment(world, release, &task.service, &id, None)?;
    let resolver = resolver(world, release, &task.service)?;
    for (name, value) in &task.env {
        env.insert(name.clone(), value.resolve(&resolver).map_err(unresolved)?);
    }
    let run = match &service.kind {
        ServiceKind::Container(container) => {
            let command = task.run.as_ref().map(CommandSpec::argv);
            let run = containers::run_once(world, release, service, container, command)?;
            RunSpec::Container(run)
        }
        _ => {
            let process = process(release, &task.service)?;
            RunSpec::Process {
                argv: task.run.as_ref().unwrap_or(&process.run).argv(),
                dir: tree(world, release, &task.service).join(&process.dir),
                user: world.user(&key_of(spec))?.map(|user| user.ids),
            }
        }
    };
    let spec = InstanceSpec {
        format: INSTANCE_FORMAT,
        id,
        owner: Some(Owner {
            app: spec.app.clone(),
            environment: spec.environment.clone(),
            service: task.service.clone(),
            task: Some(name.clone()),
            release: release.number,
            deployment,
        }),
        run,
        port: None,
        restart: None,
        stop: StopSpec {
            signal: "SIGTERM".into(),
            grace: life.stop.grace,
        },
        limits: life.limits.clone(),
        log: LogSpec::default(),
    };
    Ok(Launch { spec, env })
}

/// Where requests reach an instance now; `None` while, or because, they cannot.
///
/// # Errors
/// When the runtime cannot be asked.
pub async fn address(world: &World, row: &InstanceRow) -> Result<Option<SocketAddr>, Cause> {
    match row.port {
        Some(port) => Ok(Some(loopback(port))),
        None => match world.runtime.address(&row.id).await {
            // Planned, and not started yet.
            Err(RuntimeError::NotFound(_)) => Ok(None),
            address => address.map_err(crate::executor::internal_cause),
        },
    }
}

fn key_of(spec: &AppSpec) -> EnvironmentKey {
    EnvironmentKey {
        app: spec.app.clone(),
        environment: spec.environment.clone(),
    }
}

/// The tree that a service of a release runs in.
pub fn tree(world: &World, release: &Release, service: &ServiceName) -> PathBuf {
    let spec = &release.spec;
    world
        .paths
        .release(&spec.app, &spec.environment, release.number)
        .join(service.as_str())
}

fn service<'a>(release: &'a Release, name: &ServiceName) -> Result<&'a ServiceSpec, Cause> {
    release.spec.services.get(name).ok_or_else(|| {
        let message = format!("release {} has no service {name}", release.number);
        Cause::new(CauseKind::Refused, message)
    })
}

/// The process of a service.
///
/// # Errors
/// When the release has no such process.
pub fn process<'a>(release: &'a Release, name: &ServiceName) -> Result<&'a ProcessSpec, Cause> {
    let process = service(release, name)?.process();
    process.ok_or_else(|| runs_nothing(release, name))
}

/// How the instances of a service live.
///
/// # Errors
/// When the release has no such service, or the service has no instances.
pub fn life<'a>(release: &'a Release, name: &ServiceName) -> Result<&'a LifeSpec, Cause> {
    let life = service(release, name)?.life();
    life.ok_or_else(|| runs_nothing(release, name))
}

fn runs_nothing(release: &Release, name: &ServiceName) -> Cause {
    let message = format!("{name} of release {} runs nothing", release.number);
    Cause::new(CauseKind::Refused, message)
}

/// A new instance of a service, with an id of its own and a port that is free.
///
/// # Errors
/// When no port is free, or the store fails.
pub fn plan_instance(
    world: &World,
    key: &EnvironmentKey,
    release: &Release,
    service: &ServiceName,
    deployment: landfall_model::DeploymentId,
) -> Result<InstanceRow, Cause> {
    let spec = self::service(release, service)?;
    let port = match (spec.fixed_port(), &spec.kind) {
        (_, ServiceKind::Container(_)) => None,
        (Some(port), _) => Some(port),
        (None, _) => Some(free_port(&world.store)?),
    };
    let artifact = release.spec.services.get(service).and_then(|spec| {
        release
            .artifacts
            .get(&spec.artifact)
            .map(|artifact| artifact.digest)
    });
    let digest = landfall_model::plan::instance_key(
        &release.spec,
        service,
        artifact,
        release.number,
        &release.source,
    );
    let digest = digest.ok_or_else(|| Cause::new(CauseKind::Internal, "service vanished"))?;
    let row = InstanceRow {
        id: instance_id(&format!("{service}-{}", release.number))?,
        key: key.clone(),
        service: service.clone(),
        release: release.number,
        deployment,
        port,
        digest,
        phase: InstancePhase::Planned,
    };
    world.store.insert_instance(&row).map_err(store_cause)?;
    Ok(row)
}

fn instance_id(prefix: &str) -> Result<InstanceId, Cause> {
    let suffix: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(5)
        .collect();
    let id = format!("{prefix}-{}", suffix.to_ascii_lowercase());
    id.parse()
        .map_err(|error| Cause::new(CauseKind::Internal, format!("{error}")))
}

/// A port of loopback that nothing listens on and that is promised to nothing.
///
/// # Errors
/// When there is none.
pub fn free_port(store: &Store) -> Result<u16, Cause> {
    let promised = store.ports_in_use().map_err(store_cause)?;
    (0..PORT_ATTEMPTS)
        .map(|_| fastrand::u16(PORTS))
        .filter(|port| !promised.contains(port))
        .find(|port| TcpListener::bind(loopback(*port)).is_ok())
        .ok_or_else(|| {
            let range = format!("{}-{}", PORTS.start, PORTS.end - 1);
            Cause::new(
                CauseKind::PortInUse,
                format!("no free port found in {range}"),
            )
        })
}

/// The whole environment of a process of a release.
///
/// # Errors
/// When a reference does not resolve.
pub fn environment(
    world: &World,
    release: &Release,
    service: &ServiceName,
    id: &InstanceId,
    port: Option<u16>,
) -> Result<EnvValues, Cause> {
    let (spec, of) = (&release.spec, self::service(release, service)?);
    let mut env = EnvValues::new();
    if of.container().is_none() {
        // A container has its image's own.
        let base = world.base_env.iter();
        env.extend(base.map(|(name, value)| (name.clone(), Secret::new(value.clone()))));
    }
    let mut set = |name: &str, value: String| env.insert(name.to_owned(), Secret::new(value));
    if let (None, Some(user)) = (of.container(), world.user(&key_of(spec))?) {
        for (name, value) in user.variables() {
            set(name, value);
        }
    }
    match of.container() {
        // Its loopback is its own, and requests come from outside of it.
        Some(container) if container.is_told_port => set("HOST", "0.0.0.0".into()),
        Some(_) => None,
        None => set("HOST", "127.0.0.1".into()),
    };
    set("LANDFALL_APP", spec.app.to_string());
    set("LANDFALL_ENVIRONMENT", spec.environment.to_string());
    set("LANDFALL_SERVICE", service.to_string());
    let origin = release.origin(service);
    set("LANDFALL_RELEASE", origin.release.to_string());
    set("LANDFALL_INSTANCE", id.to_string());
    if let Some(commit) = origin.commit {
        set("LANDFALL_COMMIT", commit);
    }
    let told = of.container().filter(|container| container.is_told_port);
    if let Some(port) = port.or_else(|| told?.run.port) {
        set("PORT", port.to_string());
    }
    let resolver = resolver(world, release, service)?;
    for (name, value) in &of.env {
        env.insert(name.clone(), value.resolve(&resolver).map_err(unresolved)?);
    }
    Ok(env)
}

fn unresolved(error: landfall_model::env::Unresolved) -> Cause {
    Cause::new(CauseKind::Internal, error.to_string())
}

/// What references in the environment of a service of `release` resolve to.
pub struct ReleaseResolver<'a> {
    release: &'a Release,
    origin: Origin,
    /// Whether a container asks, to which other containers are known by name.
    in_container: bool,
    addresses: std::collections::BTreeMap<ServiceName, u16>,
}

/// The resolver of a service of a release.
///
/// # Errors
/// When the store fails.
pub fn resolver<'a>(
    world: &World,
    release: &'a Release,
    service: &ServiceName,
) -> Result<ReleaseResolver<'a>, Cause> {
    let spec = &release.spec;
    let key = key_of(spec);
    Ok(ReleaseResolver {
        release,
        origin: release.origin(service),
        in_container: self::service(release, service)?.container().is_some(),
        addresses: addresses(&world.store, &key, release)?,
    })
}

/// The stable ports of the services of a release that have one.
///
/// # Errors
/// When the store fails.
pub fn addresses(
    store: &Store,
    key: &EnvironmentKey,
    release: &Release,
) -> Result<std::collections::BTreeMap<ServiceName, u16>, Cause> {
    let mut found = std::collections::BTreeMap::new();
    for service in release.spec.addressed_services() {
        if let Some(port) = store.address(key, service).map_err(store_cause)? {
            found.insert(service.clone(), port);
        }
    }
    Ok(found)
}

impl Resolve for ReleaseResolver<'_> {
    fn service_address(&self, service: &ServiceName) -> Option<ServiceAddress> {
        let container = self.release.spec.services.get(service)?.container();
        if let (true, Some(container)) = (self.in_container, container) {
            return Some(ServiceAddress {
                host: service.to_string(),
                port: container.run.port?,
            });
        }
        let address = loopback(*self.addresses.get(service)?);
        Some(ServiceAddress {
            host: address.ip().to_string(),
            port: address.port(),
        })
    }

    fn release(&self) -> u32 {
        self.origin.release.0
    }

    fn commit(&self) -> Option<&str> {
        self.origin.commit.as_deref()
    }
}
