//! When instances fail: what is tried again, what is told, and whose fault it is.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::*;

fn word(response: &Response) -> (u16, &str) {
    (
        response.status,
        response.header("landfall-error").unwrap_or("none"),
    )
}

#[test]
fn errors_say_whose_fault_they_are() {
    let site = Site::with_limits(serde_json::json!({ "response_head": 300 }));
    let proxy = site.start();
    proxy.put(&site.snapshot(1, vec![table(1, vec![])]));
    let response = proxy.get("/");
    assert_eq!(word(&response), (503, "no-instance"));
    assert!(response.header("retry-after").is_some());

    let mut stopped = table(1, vec![]);
    stopped.release = None;
    proxy.put(&site.snapshot(2, vec![stopped]));
    assert_eq!(word(&proxy.get("/")), (503, "stopped"));

    let nobody = target("web-2", 1, free_address());
    proxy.put(&site.snapshot(3, vec![table(1, vec![nobody])]));
    assert_eq!(word(&proxy.get("/")), (502, "connect-failed"));

    let resets = App::raw(|mut conn, _| {
        conn.head();
    });
    proxy.put(&site.snapshot(4, vec![table(1, vec![resets.target("web-3", 1)])]));
    assert_eq!(word(&proxy.get("/")), (502, "upstream-reset"));

    let silent = App::raw(|mut conn, _| {
        conn.rest();
    });
    proxy.put(&site.snapshot(5, vec![table(1, vec![silent.target("web-4", 1)])]));
    assert_eq!(word(&proxy.get("/")), (504, "response-timeout"));
    assert_eq!(
        silent.connections.load(Ordering::SeqCst),
        1,
        "a timeout is not tried again"
    );

    for (number, nonsense) in [
        "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: y\n\r\n",
        "HTTP/1.1 200 O",
    ]
    .into_iter()
    .enumerate()
    {
        let app = App::raw(move |mut conn, _| {
            conn.head();
            conn.send(nonsense);
        });
        let target = app.target(&format!("web-bad-{number}"), 1);
        proxy.put(&site.snapshot(10 + number as u64, vec![table(1, vec![target])]));
        assert_eq!(word(&proxy.get("/")), (502, "bad-response"), "{nonsense:?}");
    }
    let rows = proxy.counters().rows;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].proxy_errors, 11, "all but the stopped one");
    assert_eq!(rows[0].by_class, [0; 5]);
}

#[test]
fn an_instance_that_refuses_is_set_aside_and_nobody_notices() {
    let app = App::saying("fine");
    let site = Site::new();
    let proxy = site.start();
    let refusing = free_address();
    let targets = vec![app.target("web-1", 1), target("web-2", 1, refusing)];
    proxy.put(&site.snapshot(1, vec![table(1, targets)]));
    for number in 0..40 {
        let response = proxy.connect().request(format!(
            "POST /{number} HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody"
        ));
        assert_eq!(
            response.text(),
            "fine",
            "even a request with a body never left"
        );
    }
    assert_eq!(app.request_count(), 40);
    eventually("the instance to be set aside", || {
        proxy.get("/");
        proxy
            .status()
            .ejected
            .iter()
            .any(|id| id.as_str() == "web-2")
    });
}

#[test]
fn an_instance_that_is_the_only_one_is_always_tried() {
    let address = free_address();
    let site = Site::new();
    let proxy = site.start();
    proxy.put(&site.snapshot(1, vec![table(1, vec![target("web-1", 1, address)])]));
    for _ in 0..5 {
        assert_eq!(proxy.get("/").status, 502);
    }
    let listener = TcpListener::bind(address).unwrap();
    let serving = std::thread::spawn(move || {
        let mut conn = Conn::new(listener.accept().unwrap().0);
        conn.head().unwrap();
        conn.send(ok("back"));
    });
    assert_eq!(proxy.get("/").text(), "back");
    serving.join().unwrap();
    assert_eq!(proxy.status().ejected, []);
}

/// An app that answers one request per connection without saying so, and closes.
fn closes_after_one(answered: Arc<AtomicUsize>) -> App {
    App::raw(move |mut conn, _| {
        if conn.read_request().is_some() {
            answered.fetch_add(1, Ordering::SeqCst);
            conn.send(ok("once"));
        }
    })
}

#[test]
fn a_kept_connection_that_the_app_closed_never_shows() {
    let answered = Arc::new(AtomicUsize::new(0));
    let app = closes_after_one(answered.clone());
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    for _ in 0..300 {
        assert_eq!(
            conn.request("GET / HTTP/1.1\r\nhost: a\r\n\r\n").status,
            200
        );
    }
    assert_eq!(answered.load(Ordering::SeqCst), 300);
}

#[test]
fn a_connection_closed_under_a_request_is_retried_only_when_that_is_safe() {
    // The first connection answers once, then takes a second request and closes without a word.
    let app = App::raw(|mut conn, number| {
        while conn.read_request().is_some() {
            conn.send(ok("served"));
            if number == 0 {
                conn.read_request();
                return;
            }
        }
    });
    let (_site, proxy) = in_front_of(&app);
    assert_eq!(proxy.get("/").status, 200);
    assert_eq!(
        proxy.get("/").status,
        200,
        "a GET on a kept connection is sent again"
    );
    let app = App::raw(|mut conn, number| {
        while conn.read_request().is_some() {
            if number == 1 {
                return;
            }
            conn.send(ok("served"));
            if number == 0 {
                conn.read_request();
                return;
            }
        }
    });
    let (_site, proxy) = in_front_of(&app);
    assert_eq!(proxy.get("/").status, 200);
    let response = proxy
        .connect()
        .request("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx");
    assert_eq!(
        word(&response),
        (502, "upstream-reset"),
        "a POST may have been acted on"
    );
}

#[test]
fn slow_senders_are_told_and_closed() {
    let app = App::saying("x");
    let site = Site::with_limits(
        serde_json::json!({ "head_time": 200, "client_idle": 200, "keep_alive": 200 }),
    );
    let proxy = site.start();
    proxy.put(&site.snapshot(1, vec![table(1, vec![app.target("web-1", 1)])]));
    let mut conn = proxy.connect();
    conn.send("GET / HTTP/1.1\r\nhost");
    let response = conn.response();
    assert_eq!(word(&response), (408, "request-timeout"));
    assert!(conn.is_closed());

    let mut conn = proxy.connect();
    conn.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf");
    assert_eq!(word(&conn.response()), (408, "request-timeout"));

    let mut conn = proxy.connect();
    assert_eq!(
        conn.request("GET / HTTP/1.1\r\nhost: a\r\n\r\n").status,
        200
    );
    assert!(
        conn.is_closed(),
        "a connection that rests is closed without a word"
    );
    assert!(
        proxy.connect().is_closed(),
        "and so is one that never begins"
    );
}
