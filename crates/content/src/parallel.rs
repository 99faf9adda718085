//! Doing the same to many things with a few threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
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

/// Makes something of each of `items` by a few threads, each with a state of its own from
/// `prepare`, and gives it to `take` in the order of the items. No thread is more than two ahead.
/// After the first error nothing new is begun; that error is returned.
pub(crate) fn in_order<T: Sync, S, R: Send, E: Send>(
    items: &[T],
    prepare: impl Fn() -> S + Sync,
    make: impl Fn(&mut S, &T) -> Result<R, E> + Sync,
    mut take: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(MAX_THREADS).min(items.len());
    let (prepare, make) = (&prepare, &make);
    thread::scope(|scope| {
        let begin = |first: usize| {
            let (give, line) = sync_channel(1);
            scope.spawn(move || {
                let mut state = prepare();
                for item in items.iter().skip(first).step_by(threads) {
                    let made = make(&mut state, item);
                    let failed = made.is_err();
                    if give.send(made).is_err() || failed {
                        return;
                    }
                }
            });
            line
        };
        let lines: Vec<_> = (0..threads).map(begin).collect();
        for (item, line) in items.iter().zip(lines.iter().cycle()) {
            // A thread that is gone early has panicked, and so does the scope.
            let Ok(made) = line.recv() else { break };
            take(item, made?)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_make_comes_in_order_until_the_first_error() {
        let items: Vec<u32> = (0..100).collect();
        let mut taken = Vec::new();
        let make = |(): &mut (), item: &u32| {
            if *item == 77 {
                Err(*item)
            } else {
                Ok(item * 2)
            }
        };
        let take = |item: &u32, made| {
            taken.push((*item, made));
            Ok(())
        };
        assert_eq!(in_order(&items, || (), make, take), Err(77));
        let expected: Vec<(u32, u32)> = (0..77).map(|item| (item, item * 2)).collect();
        assert_eq!(taken, expected);
        let refused = in_order(
            &items,
            || (),
            make,
            |item, _| if *item == 3 { Err(3) } else { Ok(()) },
        );
        assert_eq!(refused, Err(3));
        assert_eq!(in_order(&[], || (), make, |_, _| Ok(())), Ok(()));
    }
}
