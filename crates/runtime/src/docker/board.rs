//! The numbers by which changes of instances are told apart.
//!
//! The engine numbers nothing, so each status is compared with the one before it. Numbers begin
//! with the time of the latest thing known, in microseconds: whoever comes later counts on from there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use landfall_model::InstanceId;

use crate::InstanceStatus;

/// The latest status of each instance, and its number.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<HashMap<InstanceId, Seen>>);

#[derive(Debug, Clone, PartialEq)]
struct Seen {
    /// With its number.
    status: InstanceStatus,
    /// Which container it was, so that one made anew is a change.
    container: Option<String>,
    address: Option<SocketAddr>,
}

/// What a status is numbered by.
#[derive(Debug)]
pub(super) struct Sighting {
    /// As seen; its `seq` does not count.
    pub status: InstanceStatus,
    /// The engine's id of the container; `None` when there is none.
    pub container: Option<String>,
    /// Where it is reached.
    pub address: Option<SocketAddr>,
    /// When the latest thing happened to it that the engine knows of.
    pub latest: Timestamp,
}

impl Board {
    /// The status with its number, which is above that of any other status of the instance before.
    pub fn number(&self, sighting: Sighting) -> InstanceStatus {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = Seen {
            status: sighting.status,
            container: sighting.container,
            address: sighting.address,
        };
        let id = seen.status.spec.id.clone();
        let floor = u64::try_from(sighting.latest.as_microsecond()).unwrap_or_default();
        let known = all.get(&id);
        seen.status.seq = known.map_or(floor, |known| known.status.seq);
        if known.is_some_and(|known| *known == seen) {
            return seen.status;
        }
        if known.is_some() {
            seen.status.seq = floor.max(seen.status.seq + 1);
        }
        let status = seen.status.clone();
        all.insert(id, seen);
        status
    }

    /// Forgets an instance that was removed.
    pub fn forget(&self, id: &InstanceId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(id);
    }
}
