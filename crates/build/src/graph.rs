//! Several builds at once.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;

/// Runs `build` for each of `builds`, at most `parallel` at a time, and returns every result: one
/// that fails keeps no other from ending. Dropping the future drops, and so cancels, those under
/// way.
pub async fn run_all<K, B, R, F>(
    builds: impl IntoIterator<Item = (K, B)>,
    parallel: usize,
    build: impl Fn(K, B) -> F,
) -> BTreeMap<K, R>
where
    K: Ord + Clone,
    F: Future<Output = R>,
{
    let running = builds.into_iter().map(|(name, one)| {
        let result = build(name.clone(), one);
        async move { (name, result.await) }
    });
    futures_util::stream::iter(running)
        .buffer_unordered(parallel.max(1))
        .collect()
        .await
}
