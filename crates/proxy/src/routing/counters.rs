//! Counts of answers by release. Each worker writes its own cells, without locks or shared cache
//! lines; readers add them up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use landfall_model::snapshot::{CounterRow, LATENCY_BUCKETS_US};
use landfall_model::{AppName, EnvironmentName, ReleaseNumber, ServiceName};

/// Rows kept of releases that no snapshot names any more: beyond this the oldest releases go.
const MAX_ROWS: usize = 4096;

/// What is counted separately.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CounterKey {
    /// The release first, so that the oldest rows sort first.
    pub(crate) release: ReleaseNumber,
    /// The app.
    pub(crate) app: AppName,
    /// The environment.
    pub(crate) environment: EnvironmentName,
    /// The service.
    pub(crate) service: ServiceName,
}

/// The cells of one key: one per worker.
#[derive(Debug)]
pub(crate) struct CounterCells {
    cells: Box<[Cell]>,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Cell {
    by_class: [AtomicU64; 5],
    proxy_errors: AtomicU64,
    latency: [AtomicU64; LATENCY_BUCKETS_US.len() + 1],
}

impl CounterCells {
    fn new(workers: usize) -> Self {
        Self {
            cells: (0..workers.max(1)).map(|_| Cell::default()).collect(),
        }
    }

    /// Counts an answer of the app.
    pub(crate) fn count_answer(&self, worker: usize, status: u16, latency: Duration) {
        let cell = &self.cells[worker % self.cells.len()];
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        cell.by_class[class].fetch_add(1, Ordering::Relaxed);
        let micros = latency.as_micros() as u64;
        let bucket = LATENCY_BUCKETS_US.partition_point(|&bound| bound < micros);
        cell.latency[bucket].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an answer that the proxy gave in the app's place.
    pub(crate) fn count_proxy_error(&self, worker: usize) {
        let cell = &self.cells[worker % self.cells.len()];
        cell.proxy_errors.fetch_add(1, Ordering::Relaxed);
    }

    fn row(&self, key: &CounterKey) -> CounterRow {
        let sum = |pick: &dyn Fn(&Cell) -> &AtomicU64| -> u64 {
            let cells = self.cells.iter();
            cells.map(|cell| pick(cell).load(Ordering::Relaxed)).sum()
        };
        CounterRow {
            app: key.app.clone(),
            environment: key.environment.clone(),
            service: key.service.clone(),
            release: key.release,
            by_class: std::array::from_fn(|class| sum(&|cell| &cell.by_class[class])),
            proxy_errors: sum(&|cell| &cell.proxy_errors),
            latency: (0..=LATENCY_BUCKETS_US.len())
                .map(|bucket| sum(&|cell| &cell.latency[bucket]))
                .collect(),
        }
    }
}

/// Every key that was counted since the start.
#[derive(Debug)]
pub(super) struct CounterRegistry {
    rows: BTreeMap<CounterKey, Arc<CounterCells>>,
    workers: usize,
}

impl CounterRegistry {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            rows: BTreeMap::new(),
            workers,
        }
    }

    pub(super) fn get(&mut self, key: CounterKey) -> Arc<CounterCells> {
        let workers = self.workers;
        self.rows
            .entry(key)
            .or_insert_with(|| Arc::new(CounterCells::new(workers)))
            .clone()
    }

    /// Drops the oldest rows that nothing counts into, when there are too many.
    pub(super) fn prune(&mut self) {
        let mut excess = self.rows.len().saturating_sub(MAX_ROWS);
        self.rows.retain(|_, cells| {
            let is_kept = excess == 0 || Arc::strong_count(cells) > 1;
            excess -= usize::from(!is_kept);
            is_kept
        });
    }

    pub(super) fn rows(&self) -> Vec<CounterRow> {
        self.rows
            .iter()
            .map(|(key, cells)| cells.row(key))
            .collect()
    }
}
