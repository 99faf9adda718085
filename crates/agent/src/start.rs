//! Brings an agent up: one per state directory, with the proxy running and the journal settled
//! before the first request is answered.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use landfall_content::{ContentError, ContentStore};
use landfall_model::env::Secret;
use landfall_runtime::process::{ProcessRuntime, ProcessRuntimeOptions};
use landfall_store::{Store, StoreError};
use rustix::fs::{FlockOperation, flock};
use sd_notify::NotifyState;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::api::trees::Arrived;
use crate::api::{Api, PeerListener, Peers, router};
use crate::deployments::Deployments;
use crate::engine;
use crate::events::Events;
use crate::paths::StatePaths;
use crate::ports::{
    Clock, EngineImages, EngineProjects, HttpProber, LocalArtifacts, ProxyClient, SystemClock,
};
use crate::reconcile::{self, ProxyKeeper};
use crate::routes::Routes;
use crate::users::{HostUsers, Users};
use crate::world::World;
use crate::{AgentOptions, Ended, token};

/// Variables that every process of an app gets from its host.
const BASE_ENV: [&str; 6] = ["PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"];
/// First port that is tried for HTTP when nobody says which.
const FIRST_PORT: u16 = 8080;
/// Ports tried from there on.
const PORTS_TRIED: u16 = 100;
/// Name under which the HTTP address is remembered.
const HTTP: &str = "http";
/// Name under which the agent's token at the proxy is remembered.
const PROBE_TOKEN: &str = "probe_token";

/// Why an agent did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Another agent has the state directory.
    #[error("another agent runs on {0}")]
    AlreadyRunning(PathBuf),
    /// A file operation failed.
    #[error("failed to {operation} {path}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The state cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The content store cannot be opened.
    #[error("failed to open the content store")]
    Content(#[from] ContentError),
    /// No port is free for HTTP.
    #[error("no free port found for HTTP from {FIRST_PORT} on")]
    NoPort,
    /// What a previous agent left cannot be taken up.
    #[error("failed to take up what a previous agent left: {0}")]
    Resume(landfall_model::Cause),
}

fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> AgentError {
    move |source| AgentError::Io {
        operation,
        path: path.to_owned(),
        source,
    }
}

/// Runs an agent until it is stopped by its API or a signal. Apps and the proxy go on without it.
///
/// # Errors
/// When another agent runs, or the state cannot be opened.
pub async fn run(options: AgentOptions) -> Result<Ended, AgentError> {
    let paths = &options.paths;
    make_dirs(&options)?;
    let _lock = lock(paths)?;
    let content = ContentStore::open(&paths.content())?;
    let (world, keeper) = build(&options, content.clone())?;
    let deployments = Deployments::new(world.clone());
    let (stop, reconciling) = (CancellationToken::new(), CancellationToken::new());
    if let Some(keeper) = &keeper
        && let Err(cause) = reconcile::ensure_proxy(keeper).await
    {
        tracing::error!(%cause, "failed to start the proxy; trying again");
    }
    if let Some(users) = &world.users
        && let Err(error) = users.end_builds()
    {
        tracing::error!(%error, "failed to end the builds of an agent before this one");
    }
    deployments.resume().map_err(AgentError::Resume)?;
    let looking = tokio::spawn(reconcile::run(
        world.clone(),
        deployments.clone(),
        keeper.clone(),
        reconciling.clone(),
    ));
    let api = Api {
        since: world.now(),
        world,
        deployments,
        proxy: keeper,
        stop: stop.clone(),
        reconciling: reconciling.clone(),
        content,
        arrived: Arrived::default(),
        state_dir: Arc::new(paths.root().to_owned()),
    };
    tokio::spawn(keep_alive(api.world.store.clone()));
    let signalled = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone(), signalled.clone()));
    let peers = match options.is_of_host {
        true => Peers::Group,
        false => Peers::Owner,
    };
    serve(&paths.agent_socket(), peers, api, stop).await?;
    reconciling.cancel();
    let _ = looking.await;
    Ok(match signalled.is_cancelled() {
        true => Ended::BySignal,
        false => Ended::ByRequest,
    })
}

fn make_dirs(options: &AgentOptions) -> Result<(), AgentError> {
    let paths = &options.paths;
    let make = |dir: &Path| {
        let mut private = fs::DirBuilder::new();
        let made = private.recursive(true).mode(0o700).create(dir);
        made.map_err(io("create", dir))
    };
    make(paths.root())?;
    make(&paths.instances())?;
    let run = paths.agent_socket();
    if options.is_of_host {
        // The sockets' directories are the init system's to make. Apps come through here to their
        // trees, and see nothing on the way.
        let passable = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        return fs::set_permissions(paths.root(), passable).map_err(io("open", paths.root()));
    }
    make(run.parent().unwrap_or(paths.root()))?;
    make(&paths.system())?;
    make(&paths.proxy())
}

/// The kernel releases the lock with the process, so it can neither go stale nor be stolen.
fn lock(paths: &StatePaths) -> Result<File, AgentError> {
    let path = paths.agent_lock();
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path);
    let file = file.map_err(io("open", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(AgentError::AlreadyRunning(paths.root().to_owned()))
        }
        Err(error) => Err(io("lock", &path)(error.into())),
    }
}

fn build(
    options: &AgentOptions,
    content: ContentStore,
) -> Result<(World, Option<ProxyKeeper>), AgentError> {
    let paths = &options.paths;
    let store = Store::open(&paths.database())?;
    let http = http_address(&store, options.http)?;
    let probe_token = remembered_token(&store)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let proxy = Arc::new(ProxyClient::new(paths.proxy_socket()));
    let program = options.program.to_string_lossy().into_owned();
    let shim = vec![program.clone(), "shim".to_owned()];
    let runtime = engine::runtimes(paths, shim.clone());
    let runtime = Arc::new(runtime.map_err(io("read or write", &paths.home_id()))?);
    let routes = Routes::new(
        store.clone(),
        proxy.clone(),
        runtime.clone(),
        http,
        probe_token.clone(),
    )
    .behind(options.behind.clone());
    let world = World {
        images: Arc::new(EngineImages::new(
            runtime.clone(),
            paths.root().join("cache/inputs"),
        )),
        compose: Arc::new(EngineProjects::new(runtime.clone())),
        runtime,
        proxy,
        prober: Arc::new(HttpProber),
        artifacts: Arc::new(LocalArtifacts::new(
            content,
            paths.root().join("cache/inputs"),
        )),
        events: Events::new(store.clone(), clock.clone()),
        clock,
        paths: paths.clone(),
        routes: Arc::new(routes),
        store,
        http,
        probe_token,
        base_env: Arc::new(variables(|name| BASE_ENV.contains(&name))),
        users: options
            .is_of_host
            .then(|| Arc::new(HostUsers::new(paths.clone())) as Arc<dyn Users>),
    };
    if options.is_of_host {
        return Ok((world, None));
    }
    let keeper = ProxyKeeper {
        runtime: Arc::new(ProcessRuntime::new(ProcessRuntimeOptions {
            instances_dir: paths.system(),
            shim,
        })),
        argv: vec![
            program,
            "proxy".into(),
            "--control".into(),
            paths.proxy_socket().to_string_lossy().into_owned(),
            "--state".into(),
            paths.proxy().to_string_lossy().into_owned(),
        ],
        dir: paths.root().to_owned(),
        env: variables(|name| name == "PATH" || name.starts_with("LANDFALL_")),
    };
    Ok((world, Some(keeper)))
}

fn variables(wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| wanted(name))
        .collect()
}

/// The address that was asked for, else the remembered one, else the first that is free. It is
/// remembered, so that the address of an app does not change when the agent restarts.
fn http_address(store: &Store, asked: Option<SocketAddr>) -> Result<SocketAddr, AgentError> {
    let remembered: Option<SocketAddr> = store.meta(HTTP)?.and_then(|text| text.parse().ok());
    let address = match (asked, remembered) {
        (Some(asked), Some(kept)) if asked.port() == 0 && asked.ip() == kept.ip() => kept,
        (Some(asked), _) if asked.port() == 0 => free(asked).ok_or(AgentError::NoPort)?,
        (Some(asked), _) => asked,
        (None, Some(kept)) => kept,
        (None, None) => (FIRST_PORT..FIRST_PORT + PORTS_TRIED)
            .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .find_map(free)
            .ok_or(AgentError::NoPort)?,
    };
    store.set_meta(HTTP, &address.to_string())?;
    Ok(address)
}

fn free(address: SocketAddr) -> Option<SocketAddr> {
    TcpListener::bind(address)
        .and_then(|listener| listener.local_addr())
        .ok()
}

fn remembered_token(store: &Store) -> Result<Secret, AgentError> {
    if let Some(token) = store.meta(PROBE_TOKEN)? {
        return Ok(Secret::new(token));
    }
    let token = token::random();
    store.set_meta(PROBE_TOKEN, &token)?;
    Ok(Secret::new(token))
}

/// Says something to an init system that wants to know.
fn tell_init_system(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "failed to tell the init system");
    }
}

/// Tells an init system that watches, again and again, that the store still answers.
async fn keep_alive(store: Store) {
    let Some(period) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut tick = tokio::time::interval(period / 3);
    loop {
        tick.tick().await;
        if store.meta(HTTP).is_ok() {
            tell_init_system(NotifyState::Watchdog);
        }
    }
}

async fn serve(
    socket: &Path,
    peers: Peers,
    api: Api,
    stop: CancellationToken,
) -> Result<(), AgentError> {
    let app = router(api);
    loop {
        let listener = bind(socket, peers)?;
        tell_init_system(NotifyState::Ready);
        let (gone, served) = (CancellationToken::new(), app.clone());
        let watcher = tokio::spawn(watch_socket(socket.to_owned(), gone.clone()));
        let (until_stop, until_gone) = (stop.clone(), gone.clone());
        let ended = async move {
            tokio::select! {
                () = until_stop.cancelled() => {}
                () = until_gone.cancelled() => {}
            }
        };
        let server = axum::serve(listener, served).with_graceful_shutdown(ended);
        // Streams that someone follows end with the agent; nothing else takes long.
        let deadline = async {
            stop.cancelled().await;
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        };
        tokio::select! {
            served = async { server.await } => served.map_err(io("serve", socket))?,
            () = gone.cancelled() => {}
            () = deadline => {}
        }
        watcher.abort();
        if stop.is_cancelled() {
            let _ = fs::remove_file(socket);
            return Ok(());
        }
        tracing::warn!("the agent's socket was removed; making it again");
    }
}

/// Only the holder of the lock comes here, so a socket that is there belongs to nobody.
fn bind(socket: &Path, peers: Peers) -> Result<PeerListener, AgentError> {
    match fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(io("remove", socket)(error));
        }
        _ => {}
    }
    let listener = UnixListener::bind(socket).map_err(io("listen on", socket))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(peers.mode());
    fs::set_permissions(socket, mode).map_err(io("protect", socket))?;
    Ok(PeerListener {
        socket: listener,
        peers,
    })
}

/// Ends when the socket file is not the one that was bound any more.
async fn watch_socket(socket: PathBuf, gone: CancellationToken) {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| {
        fs::symlink_metadata(path)
            .map(|meta| (meta.dev(), meta.ino()))
            .ok()
    };
    let bound = identity(&socket);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(500));
    loop {
        tick.tick().await;
        if identity(&socket) != bound {
            gone.cancel();
            return;
        }
    }
}

async fn stop_on_signal(stop: CancellationToken, signalled: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return tracing::error!("failed to listen for signals");
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    signalled.cancel();
    stop.cancel();
}
