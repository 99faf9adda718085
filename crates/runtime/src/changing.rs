//! The exclusive right to change an instance, within this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use landfall_model::InstanceId;
use tokio::sync::OwnedMutexGuard;

/// One lock for each instance that is being changed right now, so that a start and a stop of the
/// same one do not meet.
#[derive(Debug, Default)]
pub(crate) struct Changing(Mutex<HashMap<InstanceId, Weak<tokio::sync::Mutex<()>>>>);

impl Changing {
    /// Waits until nobody else changes the instance. The right ends with the guard.
    pub async fn begin(&self, id: &InstanceId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, lock| lock.strong_count() > 0);
            let known = all.get(id).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let lock = Arc::new(tokio::sync::Mutex::new(()));
                all.insert(id.clone(), Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }
}
