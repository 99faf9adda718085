//! Snapshots: in force when acknowledged, kept on disk, and nothing begins by an old one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::harness::*;

#[test]
fn older_snapshots_are_refused_and_equal_ones_are_the_same() {
    let app = App::saying("x");
    let site = Site::new();
    let proxy = site.start();
    let snapshot = site.snapshot(5, vec![table(1, vec![app.target("web-1", 1)])]);
    assert_eq!(proxy.put(&snapshot).generation, 5);
    assert_eq!(proxy.put(&snapshot).generation, 5);
    assert_eq!(proxy.try_put(&site.snapshot(4, vec![])).0, 409);
    assert_eq!(proxy.try_put(&site.snapshot(5, vec![])).0, 409);
    let (status, body) = proxy.control("PUT", "/snapshot", br#"{"format":999,"new":true}"#);
    assert_eq!(status, 422);
    assert!(
        String::from_utf8_lossy(&body).contains("format 999"),
        "{body:?}"
    );
    assert_eq!(proxy.control("PUT", "/snapshot", b"{").0, 422);
    assert_eq!(proxy.control("GET", "/nothing", b"").0, 404);
    assert_eq!(proxy.status().generation, 5);
    assert_eq!(proxy.get("/").text(), "x");
}

#[test]
fn the_control_socket_and_the_stored_snapshot_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    let proxy = site.start();
    proxy.put(&site.snapshot(1, vec![]));
    for path in [proxy.control.clone(), proxy.state.join("snapshot.json")] {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}

#[test]
fn addresses_follow_the_snapshot_and_those_taken_are_reported() {
    let app = App::saying("x");
    let site = Site::new();
    let proxy = site.start();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_address = taken.local_addr().unwrap();
    let mut snapshot = site.snapshot(1, vec![table(1, vec![app.target("web-1", 1)])]);
    snapshot.http.push(taken_address);
    let (_, body) = proxy.try_put(&snapshot);
    let ack: landfall_model::snapshot::Ack = serde_json::from_slice(&body).unwrap();
    assert_eq!(ack.unbound.len(), 1);
    assert_eq!(ack.unbound[0].address, taken_address);
    assert_eq!(proxy.get("/").text(), "x", "everything else is in force");
    drop(taken);
    eventually("the address to be taken when it is free", || {
        proxy.status().http.contains(&taken_address)
    });
    snapshot.generation = 2;
    snapshot.http = vec![taken_address];
    proxy.put(&snapshot);
    assert!(std::net::TcpStream::connect(site.address).is_err());
    let mut conn = Conn::to(taken_address);
    assert_eq!(
        conn.request("GET / HTTP/1.1\r\nhost: a\r\n\r\n").text(),
        "x"
    );
}

#[test]
fn b7_a_killed_proxy_serves_the_last_routes_without_the_agent() {
    let app = App::saying("still here");
    let (site, mut proxy) = in_front_of(&app);
    proxy.kill();
    let proxy = site.start();
    assert_eq!(proxy.get("/").text(), "still here");
    assert_eq!(proxy.status().generation, 1);
}

#[test]
fn a_stored_snapshot_that_cannot_be_read_is_left_alone() {
    for content in ["{", r#"{"format":999}"#] {
        let site = Site::new();
        let path = site.path().join("state/snapshot.json");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        let proxy = site.start();
        assert_eq!(proxy.status().generation, 0);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_second_proxy_does_not_start_beside_the_first() {
    let site = Site::new();
    let proxy = site.start();
    let mut second = site.spawn(false);
    assert_ne!(second.wait_for_end(), 0);
    assert_eq!(proxy.status().pid, proxy.pid());
}

/// Two instances that check, at every request, whether they may still get any.
#[test]
fn b1_after_an_acknowledgement_nothing_begins_on_a_removed_instance() {
    let closed = [
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    ];
    let violations = Arc::new(AtomicUsize::new(0));
    let apps = closed.clone().map(|is_closed| {
        let violations = violations.clone();
        App::http(move |_| {
            if is_closed.load(Ordering::SeqCst) {
                violations.fetch_add(1, Ordering::SeqCst);
            }
            ok("served")
        })
    });
    let site = Site::new();
    let proxy = site.start();
    let only = |generation: u64, app: usize| {
        let target = apps[app].target(&format!("web-{app}"), 1);
        site.snapshot(generation, vec![table(1, vec![target])])
    };
    proxy.put(&only(1, 0));
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..6)
        .map(|number| {
            let (stop, address) = (stop.clone(), proxy.address);
            std::thread::spawn(move || {
                let mut conn = Conn::to(address);
                let mut count = 0;
                while !stop.load(Ordering::SeqCst) {
                    if number % 2 == 0 {
                        conn = Conn::to(address);
                    }
                    let response = conn.request("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
                    assert_eq!(response.text(), "served");
                    count += 1;
                }
                count
            })
        })
        .collect();
    for generation in 2..102 {
        let (new, old) = (generation as usize % 2, 1 - generation as usize % 2);
        closed[new].store(false, Ordering::SeqCst);
        proxy.put(&only(generation, new));
        eventually("the old instance to have nothing under way", || {
            proxy.in_flight(&format!("web-{old}")) == 0
        });
        closed[old].store(true, Ordering::SeqCst);
    }
    stop.store(true, Ordering::SeqCst);
    let served: usize = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .sum();
    assert!(served > 100);
    assert_eq!(violations.load(Ordering::SeqCst), 0, "of {served}");
}

#[test]
fn a_removed_instance_is_reported_until_its_last_request_ends() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let slow = App::raw(move |mut conn, _| {
        conn.head().unwrap();
        wait.lock().unwrap().recv().unwrap();
        conn.send(ok("late"));
        conn.rest();
    });
    let (site, proxy) = in_front_of(&slow);
    let mut conn = proxy.connect();
    conn.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    eventually("the request to be under way", || {
        proxy.in_flight("web-1") == 1
    });
    proxy.put(&site.snapshot(2, vec![]));
    assert_eq!(proxy.in_flight("web-1"), 1);
    go.send(()).unwrap();
    assert_eq!(conn.response().text(), "late");
    eventually("it to be forgotten", || proxy.status().in_flight.is_empty());
}

#[test]
fn connections_kept_to_an_instance_are_closed_when_it_is_removed() {
    let (ended, seen) = std::sync::mpsc::channel();
    let ended = std::sync::Mutex::new(ended);
    let app = App::raw(move |mut conn, _| {
        conn.read_request().unwrap();
        conn.send(ok("x"));
        assert!(conn.is_closed());
        ended.lock().unwrap().send(()).unwrap();
    });
    let (site, proxy) = in_front_of(&app);
    assert_eq!(proxy.get("/").text(), "x");
    proxy.put(&site.snapshot(2, vec![]));
    seen.recv_timeout(DEADLINE)
        .expect("the app's connection ends");
}
