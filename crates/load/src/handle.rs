//! Starting and stopping a load.
//!
//! A load runs on a thread and an async runtime of its own, so that a caller that blocks, as tests
//! that run commands do, never slows it down.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::ledger::{Ledger, Snapshot};
use crate::plan::LoadPlan;
use crate::record::Kind;
use crate::report::LoadReport;
use crate::{http, websocket};

/// A load generator.
pub struct Load;

/// A load that is under way. It ends when this is dropped; its report is had by stopping it.
pub struct LoadHandle {
    ledger: Arc<Ledger>,
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<()>,
}

/// What every client has.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) plan: Arc<LoadPlan>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) stop: watch::Receiver<bool>,
    /// Time to let pass before the first request, so that clients do not march in step.
    pub(crate) head_start: Duration,
}

impl Load {
    /// Starts the load.
    ///
    /// # Errors
    /// When the system gives no thread for it.
    pub fn start(plan: LoadPlan) -> io::Result<LoadHandle> {
        let ledger = Arc::new(Ledger::new());
        let (stop, stopping) = watch::channel(false);
        let (done, ended) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let client = Client {
            plan: Arc::new(plan),
            ledger: ledger.clone(),
            stop: stopping,
            head_start: Duration::ZERO,
        };
        std::thread::Builder::new()
            .name("load".into())
            .spawn(move || {
                runtime.block_on(run(client));
                let _ = done.send(());
            })?;
        Ok(LoadHandle {
            ledger,
            stop,
            ended,
        })
    }
}

impl Client {
    /// Waits until no more load is wanted.
    pub(crate) async fn told_to_stop(&self) {
        // An error means that the handle is gone, and with it all who want load.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }
}

impl LoadHandle {
    /// The counters of this moment.
    pub fn snapshot(&self) -> Snapshot {
        self.ledger.snapshot()
    }

    /// Ends the load: requests under way are waited for, none is begun. Takes as long as the
    /// slowest request, and never longer than the plan's timeout.
    pub async fn stop(mut self) -> LoadReport {
        self.stop.send_replace(true);
        // An error means that the load's thread is gone, which is what is waited for.
        let _ = (&mut self.ended).await;
        self.ledger.report()
    }

    /// As [`LoadHandle::stop`], for callers outside an async runtime.
    ///
    /// # Panics
    /// Inside an async runtime.
    pub fn stop_blocking(mut self) -> LoadReport {
        self.stop.send_replace(true);
        let (_, empty) = oneshot::channel();
        let _ = std::mem::replace(&mut self.ended, empty).blocking_recv();
        self.ledger.report()
    }
}

impl Drop for LoadHandle {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

async fn run(client: Client) {
    let plan = client.plan.clone();
    let mut clients = JoinSet::new();
    let nth = |nth: usize, of: usize, period: Duration| Client {
        head_start: period.mul_f64(nth as f64 / of as f64),
        ..client.clone()
    };
    let period = plan.period().unwrap_or_default();
    for n in 0..plan.keep_alive {
        clients.spawn(http::keep_alive(
            nth(n, plan.keep_alive, period),
            Kind::KeepAlive,
        ));
    }
    for n in 0..plan.new_connections {
        clients.spawn(http::new_connections(nth(n, plan.new_connections, period)));
    }
    for n in 0..plan.slow {
        // Spread over a second, so that some slow request is young and some old at any moment.
        clients.spawn(http::keep_alive(
            nth(n, plan.slow, Duration::from_secs(1)),
            Kind::Slow,
        ));
    }
    for n in 0..plan.websockets {
        clients.spawn(websocket::sessions(nth(
            n,
            plan.websockets,
            plan.message_every,
        )));
    }
    clients.join_all().await;
}
