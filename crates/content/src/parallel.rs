//! Doing the same to many things with a few threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::error::ContentError;

/// Hashing and compressing use a core each; more threads would only take them from running apps.
const MAX_THREADS: usize = 4;
/// Below this many things for each, a thread costs more than it brings.
const PER_THREAD: usize = 16;

/// Calls `act` for each of `items`, each thread with a state of its own from `prepare`. After the
/// first error nothing new is begun; that error is returned.
pub(crate) fn for_each<T: Sync, S>(
    items: &[T],
    prepare: impl Fn() -> Result<S, ContentError> + Sync,
    act: impl Fn(&mut S, &T) -> Result<(), ContentError> + Sync,
) -> Result<(), ContentError> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let work = || {
        let result = prepare().and_then(|mut state| {
            while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                act(&mut state, item)?;
            }
            Ok(())
        });
        if let Err(error) = result {
            next.store(items.len(), Ordering::Relaxed);
            if let Ok(mut failed) = failed.lock() {
                failed.get_or_insert(error);
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(MAX_THREADS).min(items.len().div_ceil(PER_THREAD));
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let failed = failed
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    failed.map_or(Ok(()), Err)
}
