//! What two servers could read differently is refused, and no app sees a byte of it.

use std::sync::atomic::Ordering;

use crate::harness::*;

/// Every bad request with the status it must get.
fn bad_requests() -> Vec<(&'static str, Vec<u8>, u16)> {
    let line = |text: &str| text.as_bytes().to_vec();
    let mut cases = vec![
        (
            "two equal lengths",
            line("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx"),
            400,
        ),
        (
            "two different lengths",
            line("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"),
            400,
        ),
        (
            "a list of lengths",
            line("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 1\r\n\r\nx"),
            400,
        ),
        (
            "a signed length",
            line("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\nx"),
            400,
        ),
        (
            "a negative length",
            line("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n"),
            400,
        ),
        (
            "a hexadecimal length",
            line("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0x1\r\n\r\nx"),
            400,
        ),
        (
            "an empty length",
            line("POST / HTTP/1.1\r\nhost: a\r\ncontent-length:\r\n\r\n"),
            400,
        ),
        (
            "a length beyond 64 bits",
            line("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n"),
            400,
        ),
        (
            "length and chunked",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "chunked and length",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "gzip, chunked",
            line("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "identity",
            line("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: identity\r\n\r\n"),
            400,
        ),
        (
            "chunked twice",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "chunked in quotes",
            line("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "chunked with a vertical tab",
            line("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "chunked in http/1.0",
            line("POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        (
            "a chunk size that is no number",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "a chunk size with a sign",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "a chunk size with 0x",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "a chunk size beyond 64 bits",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "a chunk longer than its size",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "a chunk line with a bare line feed",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "a bare line feed in a chunk extension",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1;a\nx\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "a space before the chunk size",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n 1\r\nx\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            "a malformed trailer",
            line(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n",
            ),
            400,
        ),
        ("bare line feeds", line("GET / HTTP/1.1\nhost: a\n\n"), 400),
        (
            "one bare line feed",
            line("GET / HTTP/1.1\r\nhost: a\nx: y\r\n\r\n"),
            400,
        ),
        (
            "a bare carriage return",
            line("GET / HTTP/1.1\r\nhost: a\rx: y\r\n\r\n"),
            400,
        ),
        (
            "a space before the colon",
            line("GET / HTTP/1.1\r\nhost : a\r\n\r\n"),
            400,
        ),
        (
            "a space in a name",
            line("GET / HTTP/1.1\r\nhost: a\r\nx y: z\r\n\r\n"),
            400,
        ),
        (
            "an empty name",
            line("GET / HTTP/1.1\r\nhost: a\r\n: z\r\n\r\n"),
            400,
        ),
        (
            "no colon",
            line("GET / HTTP/1.1\r\nhost: a\r\nxyz\r\n\r\n"),
            400,
        ),
        (
            "a folded header",
            line("GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n z\r\n\r\n"),
            400,
        ),
        (
            "a folded first header",
            line("GET / HTTP/1.1\r\n host: a\r\n\r\n"),
            400,
        ),
        (
            "a null in a value",
            line("GET / HTTP/1.1\r\nhost: a\r\nx: y\0z\r\n\r\n"),
            400,
        ),
        (
            "a null in a name",
            line("GET / HTTP/1.1\r\nhost: a\r\nx\0y: z\r\n\r\n"),
            400,
        ),
        (
            "a control character",
            line("GET / HTTP/1.1\r\nhost: a\r\nx: \x01\r\n\r\n"),
            400,
        ),
        (
            "a delete character",
            line("GET / HTTP/1.1\r\nhost: a\r\nx: \x7f\r\n\r\n"),
            400,
        ),
        (
            "two hosts",
            line("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"),
            400,
        ),
        (
            "two equal hosts",
            line("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n"),
            400,
        ),
        ("no host", line("GET / HTTP/1.1\r\n\r\n"), 400),
        (
            "an empty host",
            line("GET / HTTP/1.1\r\nhost:\r\n\r\n"),
            400,
        ),
        (
            "a host with a path",
            line("GET / HTTP/1.1\r\nhost: a/b\r\n\r\n"),
            400,
        ),
        (
            "a host with a user",
            line("GET / HTTP/1.1\r\nhost: u@a\r\n\r\n"),
            400,
        ),
        (
            "a host with two ports",
            line("GET / HTTP/1.1\r\nhost: a:1:2\r\n\r\n"),
            400,
        ),
        (
            "a host with a bad port",
            line("GET / HTTP/1.1\r\nhost: a:x\r\n\r\n"),
            400,
        ),
        (
            "a list of hosts",
            line("GET / HTTP/1.1\r\nhost: a, b\r\n\r\n"),
            400,
        ),
        (
            "a broken address",
            line("GET / HTTP/1.1\r\nhost: [::g]\r\n\r\n"),
            400,
        ),
        (
            "a target of another host",
            line("GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "a target with a user",
            line("GET http://u@a/ HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "a target of another scheme",
            line("GET ftp://a/ HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "a relative target",
            line("GET a HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "a fragment",
            line("GET /#a HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "an asterisk for GET",
            line("GET * HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "a space in the target",
            line("GET /a b HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "a tab for a space",
            line("GET\t/\tHTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "two spaces",
            line("GET  / HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "a space at the line's end",
            line("GET / HTTP/1.1 \r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "a null in the target",
            line("GET /\0 HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "a target that is not utf-8",
            b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(),
            400,
        ),
        ("no version", line("GET /\r\nhost: a\r\n\r\n"), 400),
        (
            "a version in lower case",
            line("GET / http/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "a method that is no token",
            line("G(T / HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        (
            "two blank lines first",
            line("\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n"),
            400,
        ),
        ("a tls hello", vec![0x16, 3, 1, 2, 0, 1, 0, 1], 400),
        ("binary noise", vec![0xff; 100], 400),
        ("http/2", line("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505),
        ("http/1.2", line("GET / HTTP/1.2\r\nhost: a\r\n\r\n"), 505),
        (
            "connect",
            line("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n"),
            405,
        ),
        ("trace", line("TRACE / HTTP/1.1\r\nhost: a\r\n\r\n"), 405),
    ];
    let long_line = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(70_000));
    cases.push(("a line too long", long_line.into_bytes(), 431));
    let long_header = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "a".repeat(70_000)
    );
    cases.push(("a header too long", long_header.into_bytes(), 431));
    let many = format!(
        "GET / HTTP/1.1\r\nhost: a\r\n{}\r\n",
        "x: y\r\n".repeat(101)
    );
    cases.push(("too many headers", many.into_bytes(), 431));
    cases
}

fn watched() -> App {
    App::raw(|mut conn, _| {
        let _ = conn.head();
        let _ = std::io::Write::write_all(&mut conn.stream, ok("forwarded").as_bytes());
    })
}

#[test]
fn malformed_requests_are_refused_and_never_forwarded() {
    let app = watched();
    let (_site, proxy) = in_front_of(&app);
    let wrong: Vec<String> = bad_requests()
        .into_iter()
        .filter_map(|(name, bytes, status)| {
            let mut conn = proxy.connect();
            // The proxy may close before all of it is written.
            let _ = std::io::Write::write_all(&mut conn.stream, &bytes);
            let response = conn.try_response(false);
            let is_closed = conn.is_closed();
            let got = response.as_ref().map(|response| response.status);
            (got != Some(status) || !is_closed)
                .then(|| format!("{name}: {got:?} instead of {status}, closed: {is_closed}"))
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(
        app.connections.load(Ordering::SeqCst),
        0,
        "an app saw a connection"
    );
    assert_eq!(proxy.get("/").text(), "forwarded");
}

#[test]
fn malformed_requests_are_refused_when_they_arrive_in_single_bytes() {
    let app = watched();
    let (_site, proxy) = in_front_of(&app);
    for (name, bytes, status) in bad_requests() {
        // Chunked bodies that go wrong after their head have been forwarded as far as they were good.
        if bytes.len() > 1000 || name.contains("chunk") || name.contains("trailer") {
            continue;
        }
        let mut conn = proxy.connect();
        for byte in bytes {
            if std::io::Write::write_all(&mut conn.stream, &[byte]).is_err() {
                break;
            }
        }
        let got = conn.try_response(false).map(|response| response.status);
        assert_eq!(got, Some(status), "{name}");
    }
    assert_eq!(app.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn a_body_that_goes_wrong_later_is_never_completed_towards_the_app() {
    let (sender, received) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let app = App::raw(move |mut conn, _| {
        let head = conn.head().unwrap();
        assert!(head.contains("chunked"));
        sender.lock().unwrap().send(Vec::new()).unwrap();
        sender
            .lock()
            .unwrap()
            .send(conn.rest().unwrap_or_default())
            .unwrap();
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    conn.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    received.recv_timeout(DEADLINE).unwrap();
    conn.send("zz\r\n0\r\n\r\n");
    assert_eq!(conn.response().status, 400);
    assert!(conn.is_closed());
    let seen = received.recv_timeout(DEADLINE).unwrap();
    assert_eq!(String::from_utf8_lossy(&seen), "3\r\nabc\r\n");
}

#[test]
fn a_bad_request_behind_a_good_one_does_not_harm_the_good_one() {
    let app = App::saying("good");
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    conn.send("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n");
    assert_eq!(conn.response().text(), "good");
    assert_eq!(conn.response().status, 400);
    assert!(conn.is_closed());
    assert_eq!(app.request_count(), 1);
}

#[test]
fn unusual_requests_that_keep_the_rules_pass() {
    let app = App::saying("fine");
    let (_site, proxy) = in_front_of(&app);
    for (request, path) in [
        ("\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", "/"),
        ("GET http://a:80/x?y HTTP/1.1\r\nhost: a:80\r\n\r\n", "/x?y"),
        ("GET HTTP://a HTTP/1.1\r\nhost: A\r\n\r\n", "/"),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", "*"),
        ("GET / HTTP/1.1\r\nhost: [::1]:80\r\n\r\n", "/"),
        (
            "GET / HTTP/1.1\r\nhost:a\r\nempty:\r\nx:\t y \t\r\n\r\n",
            "/",
        ),
        ("GET /\u{e9}|{} HTTP/1.1\r\nhost: a\r\n\r\n", "/\u{e9}|{}"),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n",
            "/",
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: Chunked\r\n\r\n1;x=\"y\"\r\nA\r\n00\r\n\r\n",
            "/",
        ),
    ] {
        let mut conn = proxy.connect();
        let response = conn.request(request);
        assert_eq!(response.status, 200, "{request}: {}", response.text());
        assert_eq!(app.last_request().path(), path, "{request}");
        let again = conn.request("GET /again HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(again.status, 200, "{request}");
    }
}
