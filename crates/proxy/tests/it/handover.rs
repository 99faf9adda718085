//! Stopping and upgrading the proxy loses nothing.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::harness::*;

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// Clients that send until told to stop, over new and kept connections. Each returns how many
/// requests were answered; any that is not fails the test.
fn load(proxy: &Proxy, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<usize>> {
    (0..4)
        .map(|number| {
            let (stop, address) = (stop.clone(), proxy.address);
            std::thread::spawn(move || {
                let mut conn = Conn::to(address);
                let mut count = 0;
                while !stop.load(Ordering::SeqCst) {
                    let response = conn.request(GET);
                    assert_eq!(response.status, 200, "{}", response.text());
                    count += 1;
                    // As a well-behaved client: a connection that is to be closed is not used again.
                    if number % 2 == 0 || response.header("connection") == Some("close") {
                        conn = Conn::to(address);
                    }
                }
                count
            })
        })
        .collect()
}

#[test]
fn b8_a_successor_takes_over_under_load_and_no_request_is_lost() {
    let app = App::saying("served");
    let newer = App::saying("newer");
    let socket_app = App::raw(|mut conn, _| {
        conn.head().unwrap();
        conn.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
        while let Some(part) = conn.exactly(4) {
            conn.send(part);
        }
    });
    let site = Site::with_limits(serde_json::json!({ "keep_alive": 20_000 }));
    let mut first = site.start();
    let mut both = table(1, vec![app.target("web-1", 1)]);
    let mut sockets = table(1, vec![socket_app.target("ws-1", 1)]);
    sockets.environment = "sockets".parse().unwrap();
    sockets.routes = vec![route(None, "/ws", "web")];
    both.routes = vec![route(None, "/", "web")];
    first.put(&site.snapshot(1, vec![both.clone(), sockets.clone()]));

    let mut tunnel = first.connect();
    tunnel.send("GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    assert!(tunnel.head().unwrap().starts_with("HTTP/1.1 101"));
    let mut idle: Vec<_> = (0..10).map(|_| first.connect()).collect();
    for conn in &mut idle {
        assert_eq!(conn.request(GET).status, 200);
    }
    let mut stayed = first.connect();
    assert_eq!(stayed.request(GET).text(), "served");
    let stop = Arc::new(AtomicBool::new(false));
    let clients = load(&first, &stop);

    let mut proxies = Vec::new();
    for _ in 0..3 {
        let next = site.spawn(true);
        next.wait_until_served_by(next.pid());
        proxies.push(next);
    }
    let last = proxies.last().unwrap();
    // Idle clients of the first proxy lose nothing: it answers, and asks them to come back.
    for conn in &mut idle {
        let response = conn.request(GET);
        assert_eq!(response.status, 200);
        assert_eq!(response.header("connection"), Some("close"));
    }
    // The stream of the first proxy goes on, and the last one knows of it.
    tunnel.send("ping");
    assert_eq!(tunnel.exactly(4).unwrap(), b"ping");
    assert_eq!(last.in_flight("ws-1"), 1);
    // Snapshots reach the first proxy too, through the second.
    both.services = table(2, vec![newer.target("web-2", 2)]).services;
    last.put(&site.snapshot(2, vec![both]));
    assert_eq!(last.in_flight("ws-1"), 1);
    assert_eq!(stayed.request(GET).text(), "newer");
    stop.store(true, Ordering::SeqCst);
    let served: usize = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .sum();
    assert!(served > 0);
    assert_eq!(first.has_ended(), None, "it still carries a stream");
    drop(tunnel);
    drop(idle);
    assert_eq!(first.wait_for_end(), 0);
    assert_eq!(last.get("/").text(), "newer");
    eventually("the stream to be off the books", || {
        last.in_flight("ws-1") == 0
    });
}

#[test]
fn requests_of_clients_that_stayed_with_the_predecessor_follow_new_snapshots() {
    let old = App::saying("old");
    let new = App::saying("new");
    let (site, first) = in_front_of(&old);
    let mut conn = first.connect();
    assert_eq!(conn.request(GET).text(), "old");
    let second = site.spawn(true);
    second.wait_until_served_by(second.pid());
    second.put(&site.snapshot(2, vec![table(2, vec![new.target("web-2", 2)])]));
    assert_eq!(conn.request(GET).text(), "new");
}

#[test]
fn a_successor_that_dies_before_it_serves_leaves_the_predecessor_serving() {
    let app = App::saying("served");
    let (site, first) = in_front_of(&app);
    // A successor that asks for the sockets, and dies with them.
    let mut stream = std::os::unix::net::UnixStream::connect(&first.control).unwrap();
    std::io::Write::write_all(
        &mut stream,
        b"POST /takeover HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: landfall-takeover-1\r\n\r\n",
    )
    .unwrap();
    assert!(stream.as_fd().try_clone_to_owned().is_ok());
    std::io::Read::read_exact(&mut stream, &mut [0; 60]).unwrap();
    drop(stream);
    assert_eq!(first.get("/").text(), "served");
    assert_eq!(first.status().pid, first.pid());
    first.put(&site.snapshot(2, vec![table(1, vec![app.target("web-1", 1)])]));
    // And the next one takes over all the same.
    let second = site.spawn(true);
    second.wait_until_served_by(second.pid());
    assert_eq!(second.get("/").text(), "served");
}

#[test]
fn a_take_over_without_predecessor_is_a_cold_start() {
    let site = Site::new();
    let proxy = site.spawn(true);
    proxy.wait_until_served_by(proxy.pid());
    proxy.put(&site.snapshot(1, vec![]));
}

#[test]
fn a_stop_lets_requests_finish_and_tells_idle_clients_first() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let app = App::http(move |request| {
        if request.path() == "/slow" {
            wait.lock().unwrap().recv().unwrap();
        }
        ok("served")
    });
    let site = Site::with_limits(serde_json::json!({ "lame_duck": 1500 }));
    let mut proxy = site.start();
    proxy.put(&site.snapshot(1, vec![table(1, vec![app.target("web-1", 1)])]));
    let mut slow = proxy.connect();
    slow.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
    eventually("the slow request to be under way", || {
        proxy.in_flight("web-1") == 1
    });
    let mut kept = proxy.connect();
    assert_eq!(kept.request(GET).header("connection"), None);
    let mut resting = proxy.connect();
    assert_eq!(resting.request(GET).status, 200);
    proxy.terminate();
    eventually("new connections to be refused", || {
        std::net::TcpStream::connect(proxy.address).is_err()
    });
    let response = kept.request(GET);
    assert_eq!(
        (response.status, response.header("connection")),
        (200, Some("close"))
    );
    assert!(
        resting.is_closed(),
        "idle connections are closed after the lame-duck phase"
    );
    assert_eq!(proxy.has_ended(), None);
    go.send(()).unwrap();
    assert_eq!(slow.response().text(), "served");
    assert_eq!(proxy.wait_for_end(), 0);
    assert!(!proxy.control.exists());
    let logged = proxy.log_lines();
    assert_eq!(logged.len(), 4, "every line is on disk at the end");
}
