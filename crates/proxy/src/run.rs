//! The life of the process: start or take over, serve, drain.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::timeout;

use crate::access_log;
use crate::control::{Control, ControlSocket, Inheritance, inherit, serve_control};
use crate::listeners::{Listeners, wanted};
use crate::options::{Ended, ProxyError, ProxyOptions};
use crate::routing::{Phase, Shared};
use crate::store::SnapshotFile;
use crate::worker::{Command, run_worker};

/// Runs a proxy. Returns after a graceful stop (SIGTERM or SIGINT), or when a successor has taken
/// over and everything that was under way is done.
///
/// # Errors
/// When it cannot start. A failed take-over leaves the predecessor serving.
pub fn run(options: ProxyOptions) -> Result<Ended, ProxyError> {
    let log_path = options.state_dir.join("access.log");
    create_directory(&options.state_dir)?;
    let (log, log_thread) = access_log::start(log_path.clone()).map_err(|source| {
        let path = log_path;
        ProxyError::State { path, source }
    })?;
    let workers = options
        .workers
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let shared = Arc::new(Shared::new(options.limits, log.clone(), workers));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ProxyError::Thread)?;
    let (senders, threads) = start_workers(workers, &shared)?;
    let served =
        LocalSet::new().block_on(&runtime, serve(&options, &shared, Listeners::new(senders)));
    drop(runtime);
    join(threads);
    log.finish();
    join(vec![log_thread]);
    served
}

async fn serve(
    options: &ProxyOptions,
    shared: &Arc<Shared>,
    listeners: Listeners,
) -> Result<Ended, ProxyError> {
    let mut signals = Signals::new().map_err(ProxyError::Thread)?;
    let (control, socket) = start(options, shared, listeners).await?;
    tell_init_system();
    tokio::task::spawn_local(serve_control(control.clone(), socket));
    let binding = control.clone();
    tokio::task::spawn_local(async move { binding.keep_binding().await });
    tracing::info!(control = %options.control.display(), "the proxy is serving");
    let mut handed_over = control.handed_over();
    let ended = tokio::select! {
        () = signals.stop() => {
            tracing::info!("asked to stop; finishing what is under way");
            drain(&control, shared.limits.lame_duck, shared.limits.drain).await;
            if !control.is_handed_over() {
                let _ = std::fs::remove_file(&options.control);
            }
            Ended::BySignal
        }
        _ = handed_over.wait_for(|done| *done) => {
            let limits = &shared.limits;
            tokio::select! {
                () = drain_with_predecessor(&control) => {}
                () = signals.stop() => drain(&control, Duration::ZERO, limits.drain).await,
            }
            Ended::HandedOver
        }
    };
    let state = control.state.lock().await;
    state.listeners.flush_logs().await;
    tracing::info!(left = shared.connections(), "the proxy ends");
    Ok(ended)
}

/// Says to an init system that wants to know that this is the process that serves, which after a
/// take-over is another than before.
fn tell_init_system() {
    let own = [NotifyState::Ready, NotifyState::MainPid(std::process::id())];
    if let Err(error) = sd_notify::notify(&own) {
        tracing::warn!(%error, "failed to tell the init system");
    }
}

/// Takes over or starts cold; either way this process accepts connections at the end.
async fn start(
    options: &ProxyOptions,
    shared: &Arc<Shared>,
    mut listeners: Listeners,
) -> Result<(Rc<Control>, ControlSocket), ProxyError> {
    let inheritance = find_predecessor(options).await?;
    let control_error = |source| ProxyError::Control {
        path: options.control.clone(),
        source,
    };
    if let Some(directory) = options.control.parent() {
        create_directory(directory)?;
    }
    let socket = ControlSocket::bind(&options.control).map_err(control_error)?;
    let store = SnapshotFile::new(&options.state_dir);
    load(&store, shared);
    let predecessor = match inheritance {
        None => None,
        Some(inheritance) => Some(
            take_over(inheritance, shared, &mut listeners)
                .await
                .map_err(ProxyError::Takeover)?,
        ),
    };
    socket
        .put_in_place(&options.control)
        .map_err(control_error)?;
    let control = Rc::new(Control::new(shared.clone(), listeners, store, predecessor));
    control.listen().await;
    Ok((control, socket))
}

async fn find_predecessor(options: &ProxyOptions) -> Result<Option<Inheritance>, ProxyError> {
    if options.takeover {
        return inherit(&options.control)
            .await
            .map_err(ProxyError::Takeover);
    }
    match tokio::net::UnixStream::connect(&options.control).await {
        Ok(_) => Err(ProxyError::AlreadyServing(options.control.clone())),
        Err(_) => Ok(None),
    }
}

async fn take_over(
    mut inheritance: Inheritance,
    shared: &Shared,
    listeners: &mut Listeners,
) -> io::Result<crate::control::Predecessor> {
    let wanted = wanted(&shared.routing().snapshot);
    for (key, socket) in std::mem::take(&mut inheritance.sockets) {
        if wanted.contains(&key) {
            listeners.adopt(key, socket)?;
        }
    }
    inheritance.commit().await
}

fn load(store: &SnapshotFile, shared: &Shared) {
    match store.load() {
        Ok(Some(snapshot)) => {
            tracing::info!(
                generation = snapshot.generation,
                "serving the last snapshot"
            );
            shared.install(snapshot);
        }
        Ok(None) => tracing::info!("no snapshot yet"),
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let path = store.path().display();
            tracing::error!(%error, source, %path, "cannot use the last snapshot; starting without routes");
        }
    }
}

/// Stops accepting, tells clients to close for `lame_duck`, then ends what rests, and gives the rest
/// up to `limit`.
async fn drain(control: &Control, lame_duck: Duration, limit: Duration) {
    let shared = &control.shared;
    shared.set_phase(Phase::LameDuck);
    control.state.lock().await.listeners.close_all().await;
    if timeout(lame_duck, until_idle(shared)).await.is_ok() {
        return;
    }
    shared.set_phase(Phase::Closing);
    control
        .state
        .lock()
        .await
        .listeners
        .tell(|| Command::CloseResting);
    if timeout(limit, until_idle(shared)).await.is_err() {
        tracing::warn!(
            left = shared.connections(),
            "connections did not end in time"
        );
    }
}

/// After a take-over: idle connections end when they would have anyway, and streams live on.
async fn drain_with_predecessor(control: &Control) {
    let limits = &control.shared.limits;
    let drained = drain(control, limits.keep_alive, limits.takeover_drain);
    tokio::join!(drained, control.predecessor_ended());
}

async fn until_idle(shared: &Shared) {
    loop {
        let told = shared.idle.notified();
        tokio::pin!(told);
        told.as_mut().enable();
        if shared.connections() == 0 {
            return;
        }
        told.await;
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

type Workers = (Vec<mpsc::UnboundedSender<Command>>, Vec<JoinHandle<()>>);

fn start_workers(count: usize, shared: &Arc<Shared>) -> Result<Workers, ProxyError> {
    let mut senders = Vec::new();
    let mut threads = Vec::new();
    for index in 0..count.max(1) {
        let (sender, commands) = mpsc::unbounded_channel();
        let shared = shared.clone();
        let thread = std::thread::Builder::new()
            .name(format!("proxy-{index}"))
            .spawn(move || run_worker(index, shared, commands))
            .map_err(ProxyError::Thread)?;
        senders.push(sender);
        threads.push(thread);
    }
    Ok((senders, threads))
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread of the proxy panicked");
        }
    }
}

fn create_directory(path: &Path) -> Result<(), ProxyError> {
    std::fs::create_dir_all(path).map_err(|source| ProxyError::State {
        path: path.to_owned(),
        source,
    })
}
