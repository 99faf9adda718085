//! A worker: one thread, one runtime, and every connection that it accepted.
//!
//! Nothing here is shared with other workers; what is, is in [`crate::routing::Shared`].

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, LocalSet};

use crate::access_log::Line;
use crate::clock::Timestamp;
use crate::conn::{Buffers, RestState, serve};
use crate::http1::Field;
use crate::listeners::Kind;
use crate::routing::Shared;
use crate::tcp::serve_stream;
use crate::upstream::Pool;

/// Bytes of access log lines that a worker collects before it hands them over.
const LOG_BATCH: usize = 32 * 1024;
/// How often log lines are handed over, and connections to instances looked through.
const TICK: Duration = Duration::from_millis(200);
/// Pause after a failed accept: out of file descriptors, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a worker is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// Accept connections.
    Listen(Kind, SocketAddr, std::net::TcpListener),
    /// Accept what is waiting, then no more, and say so.
    Unlisten(Kind, SocketAddr, oneshot::Sender<()>),
    /// Close connections as soon as they rest.
    CloseResting,
    /// Hand all log lines over and say so.
    Flush(oneshot::Sender<()>),
}

/// A worker's state.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Its number.
    pub(crate) index: usize,
    /// What all workers share.
    pub(crate) shared: Arc<Shared>,
    /// Its free buffers.
    pub(crate) buffers: Buffers,
    /// Its connections to instances.
    pub(crate) pool: Pool,
    /// A list of fields to reuse.
    pub(crate) fields: RefCell<Vec<Field>>,
    resting: RefCell<HashMap<u64, Rc<RestState>>>,
    last_connection: Cell<u64>,
    log_batch: RefCell<(Vec<u8>, u64)>,
    date: RefCell<(u64, Rc<str>)>,
}

impl Worker {
    fn new(index: usize, shared: Arc<Shared>) -> Self {
        Self {
            index,
            shared,
            buffers: Buffers::default(),
            pool: Pool::default(),
            fields: RefCell::default(),
            resting: RefCell::default(),
            last_connection: Cell::new(0),
            log_batch: RefCell::default(),
            date: RefCell::new((0, "".into())),
        }
    }

    /// The time for Date headers.
    pub(crate) fn date(&self) -> Rc<str> {
        let now = Timestamp::now();
        let mut date = self.date.borrow_mut();
        if date.0 != now.seconds() {
            *date = (now.seconds(), now.to_http_date().into());
        }
        date.1.clone()
    }

    /// Logs a request.
    pub(crate) fn log(&self, line: &Line<'_>) {
        let mut batch = self.log_batch.borrow_mut();
        line.write(&mut batch.0, &Timestamp::now());
        batch.1 += 1;
        if batch.0.len() >= LOG_BATCH {
            let (lines, count) = std::mem::take(&mut *batch);
            self.shared.log.send(lines, count);
        }
    }

    fn flush_log(&self) {
        let (lines, count) = self.log_batch.take();
        if count > 0 {
            self.shared.log.send(lines, count);
        }
    }

    fn sweep_pool(&self) {
        let routing = self.shared.routing();
        let limits = &self.shared.limits;
        self.pool.sweep(limits, |key| routing.has_instance(key));
    }

    fn spawn_connection(
        self: &Rc<Self>,
        kind: Kind,
        at: SocketAddr,
        io: TcpStream,
        peer: SocketAddr,
    ) {
        let worker = self.clone();
        self.shared.connection_began();
        match kind {
            Kind::Http => {
                let id = self.last_connection.get() + 1;
                self.last_connection.set(id);
                let rest = Rc::new(RestState::default());
                self.resting.borrow_mut().insert(id, rest.clone());
                tokio::task::spawn_local(async move {
                    let _open = OpenConnection(worker.clone(), Some(id));
                    serve(io, peer.ip().to_canonical(), worker, rest).await;
                });
            }
            Kind::Tcp => {
                tokio::task::spawn_local(async move {
                    let _open = OpenConnection(worker.clone(), None);
                    serve_stream(io, at, &worker).await;
                });
            }
        }
    }
}

/// Takes a connection off the books when it ends, however it ends.
struct OpenConnection(Rc<Worker>, Option<u64>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if let Some(id) = self.1 {
            self.0.resting.borrow_mut().remove(&id);
        }
        self.0.shared.connection_ended();
    }
}

/// Runs a worker on this thread until `commands` is closed.
pub(crate) fn run_worker(
    index: usize,
    shared: Arc<Shared>,
    mut commands: mpsc::UnboundedReceiver<Command>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "cannot start a worker"),
    };
    let worker = Rc::new(Worker::new(index, shared));
    LocalSet::new().block_on(&runtime, async {
        tokio::task::spawn_local(keep_house(worker.clone()));
        let mut accepting = HashMap::new();
        while let Some(command) = commands.recv().await {
            obey(&worker, &mut accepting, command);
        }
    });
}

type Accepting = HashMap<(Kind, SocketAddr), (oneshot::Sender<()>, JoinHandle<()>)>;

fn obey(worker: &Rc<Worker>, accepting: &mut Accepting, command: Command) {
    match command {
        Command::Listen(kind, address, listener) => match TcpListener::from_std(listener) {
            Ok(listener) => {
                let (stop, stopped) = oneshot::channel();
                let task = accept(worker.clone(), kind, address, listener, stopped);
                let task = tokio::task::spawn_local(task);
                accepting.insert((kind, address), (stop, task));
            }
            Err(error) => tracing::error!(%error, %address, "cannot accept on a listener"),
        },
        Command::Unlisten(kind, address, done) => {
            let stopped = accepting.remove(&(kind, address));
            tokio::task::spawn_local(async move {
                if let Some((stop, task)) = stopped {
                    drop(stop);
                    let _ = task.await;
                }
                let _ = done.send(());
            });
        }
        Command::CloseResting => {
            let resting: Vec<_> = worker.resting.borrow().values().cloned().collect();
            resting.iter().for_each(|connection| connection.close());
        }
        Command::Flush(done) => {
            worker.flush_log();
            let _ = done.send(());
        }
    }
}

/// Accepts until told to stop; then once more what was waiting, since closing would reset it.
async fn accept(
    worker: Rc<Worker>,
    kind: Kind,
    address: SocketAddr,
    listener: TcpListener,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut stopped => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((io, peer)) => worker.spawn_connection(kind, address, io, peer),
            Err(error) => {
                tracing::warn!(%error, %address, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    std::future::poll_fn(|cx| {
        while let std::task::Poll::Ready(Ok((io, peer))) = listener.poll_accept(cx) {
            worker.spawn_connection(kind, address, io, peer);
        }
        std::task::Poll::Ready(())
    })
    .await;
}

/// What a worker does besides its connections.
async fn keep_house(worker: Rc<Worker>) {
    let mut changes = worker.shared.changes();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut ticks: u32 = 0;
    loop {
        tokio::select! {
            _ = tick.tick() => {
                worker.flush_log();
                ticks = ticks.wrapping_add(1);
                if ticks.is_multiple_of(5) {
                    worker.sweep_pool();
                }
            }
            changed = changes.changed() => match changed {
                Ok(()) => worker.sweep_pool(),
                Err(_) => return,
            },
        }
    }
}
