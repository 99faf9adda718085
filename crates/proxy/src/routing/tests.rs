//! The guard, hammered without a network in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use landfall_model::ReleaseNumber;
use landfall_model::snapshot::{Route, Snapshot, Table, Target, Upstream};

use super::shared::empty_snapshot;
use super::{HostBuf, Shared};
use crate::fault::Fault;
use crate::limits::Limits;

fn snapshot(generation: u64, instance: &str) -> Snapshot {
    let target = Target {
        instance: instance.parse().unwrap(),
        release: ReleaseNumber(1),
        address: "127.0.0.1:1".parse().unwrap(),
    };
    let table = Table {
        app: "shop".parse().unwrap(),
        environment: "production".parse().unwrap(),
        release: Some(ReleaseNumber(1)),
        routes: vec![Route {
            host: None,
            path: "/".to_owned(),
            service: "web".parse().unwrap(),
            strip_prefix: false,
        }],
        services: BTreeMap::from([("web".parse().unwrap(), Upstream::Instances(vec![target]))]),
        addresses: Vec::new(),
    };
    Snapshot {
        generation,
        tables: vec![table],
        ..empty_snapshot()
    }
}

#[test]
fn no_request_begins_on_an_instance_that_was_seen_idle_after_its_removal() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = crate::access_log::start(directory.path().join("log")).unwrap();
    let shared = Arc::new(Shared::new(Limits::default(), log, 1));
    shared.install(snapshot(1, "web-0"));
    let closed: Arc<[AtomicBool; 2]> = Arc::default();
    let violations = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (shared, closed) = (shared.clone(), closed.clone());
            let (violations, stop) = (violations.clone(), stop.clone());
            std::thread::spawn(move || {
                let host = HostBuf::new(b"a");
                while !stop.load(Ordering::Relaxed) {
                    let admission = shared.admit(&[], |routing| {
                        routing.find(&host, b"/").cloned().ok_or(Fault::NoRoute)
                    });
                    let lease = admission.unwrap().lease.unwrap();
                    let index = usize::from(lease.target().instance.id.as_str() == "web-1");
                    if closed[index].load(Ordering::SeqCst) {
                        violations.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        })
        .collect();
    for generation in 2..5000 {
        let new = generation as usize % 2;
        closed[new].store(false, Ordering::SeqCst);
        shared.install(snapshot(generation, &format!("web-{new}")));
        let old = format!("web-{}", 1 - new).parse().unwrap();
        while shared.in_flight().get(&old).is_some_and(|&count| count > 0) {
            std::thread::yield_now();
        }
        closed[1 - new].store(true, Ordering::SeqCst);
    }
    stop.store(true, Ordering::SeqCst);
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
    assert_eq!(violations.load(Ordering::SeqCst), 0);
}
