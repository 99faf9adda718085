//! Bodies, upgrades and interim answers pass as they come.

use std::io::{Read, Write};
use std::sync::mpsc;

use crate::harness::*;

#[test]
fn answers_are_streamed_without_buffering() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let app = App::raw(move |mut conn, _| {
        conn.head().unwrap();
        conn.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        for part in ["one", "two", "end"] {
            wait.lock().unwrap().recv().unwrap();
            conn.send(format!("3\r\n{part}\r\n"));
        }
        conn.send("0\r\n\r\n");
        conn.rest();
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    conn.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(conn.head().unwrap().contains("chunked"));
    for part in ["one", "two", "end"] {
        // The app sends the next part only once the last one has arrived here.
        go.send(()).unwrap();
        assert_eq!(
            conn.exactly(8).unwrap(),
            format!("3\r\n{part}\r\n").as_bytes()
        );
    }
    assert_eq!(conn.exactly(5).unwrap(), b"0\r\n\r\n");
}

#[test]
fn requests_are_streamed_while_the_answer_is_streamed_back() {
    let app = App::raw(|mut conn, _| {
        conn.head().unwrap();
        conn.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
        for _ in 0..3 {
            let part = conn.exactly(3).unwrap();
            conn.send(part);
        }
        conn.rest();
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    conn.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
    assert!(conn.head().unwrap().starts_with("HTTP/1.1 200"));
    for part in ["abc", "def", "ghi"] {
        conn.send(part);
        assert_eq!(conn.exactly(3).unwrap(), part.as_bytes());
    }
}

#[test]
fn a_hundred_megabytes_pass_both_ways_unchanged() {
    const SIZE: usize = 100 << 20;
    let app = App::raw(|mut conn, _| {
        let head = conn.head().unwrap();
        assert_eq!(
            header(&head, "content-length"),
            Some(SIZE.to_string().as_str())
        );
        conn.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n"));
        let mut left = SIZE;
        while left > 0 {
            let part = conn.exactly(left.min(256 * 1024)).unwrap();
            left -= part.len();
            conn.send(part);
        }
        conn.rest();
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    let mut writer = conn.stream.try_clone().unwrap();
    let block: Vec<u8> = (0..1 << 20).map(|at: u32| (at % 251) as u8).collect();
    let sent = block.clone();
    let sending = std::thread::spawn(move || {
        write!(
            writer,
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {SIZE}\r\n\r\n"
        )
        .unwrap();
        (0..SIZE / sent.len()).for_each(|_| writer.write_all(&sent).unwrap());
    });
    assert!(conn.head().unwrap().starts_with("HTTP/1.1 200"));
    for _ in 0..SIZE / block.len() {
        assert!(
            conn.exactly(block.len()).unwrap() == block,
            "content changed"
        );
    }
    sending.join().unwrap();
}

#[test]
fn an_upgraded_connection_carries_anything_both_ways() {
    let app = App::raw(|mut conn, _| {
        let head = conn.head().unwrap();
        assert_eq!(header(&head, "connection"), Some("upgrade"));
        assert_eq!(header(&head, "upgrade"), Some("websocket"));
        assert_eq!(header(&head, "sec-websocket-key"), Some("k"));
        // Bytes right behind the head must not be lost.
        conn.send("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s\r\n\r\nfirst");
        while let Some(part) = conn.exactly(4) {
            conn.send(part);
        }
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    conn.send("GET /ws HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\n\r\n");
    let head = conn.head().unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert_eq!(header(&head, "upgrade"), Some("websocket"));
    assert_eq!(header(&head, "sec-websocket-accept"), Some("s"));
    assert_eq!(conn.exactly(5).unwrap(), b"first");
    for part in ["\0\u{1}ab", "GET ", "\r\n\r\n"] {
        conn.send(part);
        assert_eq!(conn.exactly(4).unwrap(), part.as_bytes());
    }
    assert_eq!(proxy.in_flight("web-1"), 1);
    drop(conn);
    eventually("the stream to be off the books", || {
        proxy.in_flight("web-1") == 0
    });
}

#[test]
fn each_side_of_an_upgraded_connection_may_end_first() {
    let app = App::raw(|mut conn, _| {
        conn.head().unwrap();
        conn.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
        let all = conn.rest().unwrap();
        conn.send(all);
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    conn.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    conn.head().unwrap();
    conn.send("all of it");
    conn.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(conn.rest().unwrap(), b"all of it");
}

#[test]
fn a_refused_upgrade_is_an_ordinary_answer() {
    let app = App::saying("no");
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    let upgrade = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    assert_eq!(conn.request(upgrade).text(), "no");
    assert_eq!(
        conn.request("GET / HTTP/1.1\r\nhost: a\r\n\r\n").text(),
        "no"
    );
}

#[test]
fn an_upgrade_to_http2_is_not_passed_on() {
    let app = App::saying("plain");
    let (_site, proxy) = in_front_of(&app);
    let response = proxy.connect().request(
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: x\r\n\r\n",
    );
    assert_eq!(response.text(), "plain");
    let request = app.last_request();
    assert_eq!(request.header("upgrade"), None);
    assert_eq!(request.header("http2-settings"), None);
}

#[test]
fn an_unasked_upgrade_is_a_bad_answer() {
    let app = App::http(|_| "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n".to_owned());
    let (_site, proxy) = in_front_of(&app);
    let response = proxy.get("/");
    assert_eq!(response.status, 502);
    assert_eq!(response.header("landfall-error"), Some("bad-response"));
}

#[test]
fn the_app_decides_about_100_continue() {
    let app = App::raw(|mut conn, _| {
        let head = conn.head().unwrap();
        assert_eq!(header(&head, "expect"), Some("100-continue"));
        if head.starts_with("PUT /yes") {
            conn.send("HTTP/1.1 100 Continue\r\n\r\n");
            let body = conn.exactly(4).unwrap();
            let body = String::from_utf8(body).unwrap();
            conn.send(format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}"
            ));
        } else {
            conn.send("HTTP/1.1 417 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let (_site, proxy) = in_front_of(&app);
    let ask = |path: &str| {
        let mut conn = proxy.connect();
        conn.send(format!(
            "PUT {path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n"
        ));
        conn
    };
    let mut conn = ask("/yes");
    assert!(conn.head().unwrap().starts_with("HTTP/1.1 100"));
    conn.send("body");
    assert_eq!(conn.response().text(), "body");
    assert_eq!(ask("/no").response().status, 417);
}

#[test]
fn interim_answers_reach_clients_that_know_them() {
    let app = App::http(|_| {
        format!(
            "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n{}",
            ok("page")
        )
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    conn.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let hints = conn.head().unwrap();
    assert!(
        hints.starts_with("HTTP/1.1 103") && hints.contains("</a.css>"),
        "{hints}"
    );
    assert_eq!(conn.response().text(), "page");
    let response = proxy.connect().request("GET / HTTP/1.0\r\nhost: a\r\n\r\n");
    assert_eq!(response.status, 200);
}

#[test]
fn trailers_pass_both_ways_but_not_those_that_would_be_believed() {
    let app = App::http(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n{:x}\r\n{body}\r\n0\r\nx-sum: 7\r\nlandfall-release: 9\r\n\r\n",
            body.len()
        )
    });
    let (_site, proxy) = in_front_of(&app);
    let response = proxy.connect().request(
        "POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-check: 1\r\nContent-Length: 5\r\nX-Forwarded-For: 6.6.6.6\r\nx_real_ip: 6\r\n\r\n",
    );
    assert_eq!(response.text(), "abx-check: 1\r\nx-sum: 7\r\n");
    assert_eq!(app.last_request().header("te"), Some("trailers"));
    assert_eq!(app.last_request().header("connection"), Some("te"));
}

#[test]
fn head_has_no_body_and_the_connection_goes_on() {
    let app = App::http(|request| {
        if request.head.starts_with("HEAD") {
            "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_owned()
        } else {
            ok("body")
        }
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    let response = conn.request("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(response.header("content-length"), Some("1000"));
    assert_eq!(
        conn.request("GET / HTTP/1.1\r\nhost: a\r\n\r\n").text(),
        "body"
    );
}

#[test]
fn answers_without_body_keep_the_connection() {
    let app = App::http(|request| match request.path() {
        "/204" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        "/304" => {
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\netag: \"x\"\r\n\r\n".to_owned()
        }
        _ => "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n".to_owned(),
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    for (path, status) in [("/204", 204), ("/304", 304), ("/200", 200), ("/204", 204)] {
        let response = conn.request(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"));
        assert_eq!(response.status, status);
    }
}

#[test]
fn http_1_0_clients_get_what_they_understand() {
    let app = App::http(|_| {
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nt: u\r\n\r\n".to_owned()
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    let response = conn.request("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(response.header("transfer-encoding"), None);
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(response.text(), "abc");
    let app = App::saying("kept");
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    for _ in 0..2 {
        let response = conn.request("GET / HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n");
        assert_eq!(response.header("connection"), Some("keep-alive"));
        assert_eq!(response.text(), "kept");
    }
}

#[test]
fn an_answer_that_ends_with_its_connection_is_passed_on_whole() {
    let app = App::raw(|mut conn, _| {
        conn.head().unwrap();
        conn.send("HTTP/1.0 200 OK\r\n\r\nto the end");
    });
    let (_site, proxy) = in_front_of(&app);
    let response = proxy.connect().request("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(response.text(), "to the end");
    assert_eq!(response.header("connection"), Some("close"));
}

#[test]
fn an_answer_cut_short_is_not_passed_off_as_whole() {
    let app = App::raw(|mut conn, _| {
        conn.head().unwrap();
        conn.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    conn.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(conn.try_response(false).is_none());
}

#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let app = App::raw(|mut conn, _| {
        conn.head().unwrap();
        conn.send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig");
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    conn.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n");
    let mut writer = conn.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || while writer.write_all(&[0; 65536]).is_ok() {});
    let response = conn.response();
    assert_eq!((response.status, response.text().as_str()), (413, "big"));
    assert_eq!(response.header("connection"), Some("close"));
    sending.join().unwrap();
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let app = App::http(|request| ok(request.path()));
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    let mut all = String::new();
    for number in 0..50 {
        all += &format!("POST /{number} HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc");
    }
    conn.send(all);
    for number in 0..50 {
        assert_eq!(conn.response().text(), format!("/{number}"));
    }
}

#[test]
fn a_client_that_leaves_ends_its_request_at_the_app() {
    let (gone, seen) = mpsc::channel();
    let gone = std::sync::Mutex::new(gone);
    let app = App::raw(move |mut conn, _| {
        conn.head().unwrap();
        let ended = matches!(conn.stream.read(&mut [0]), Ok(0) | Err(_));
        gone.lock().unwrap().send(ended).unwrap();
    });
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    conn.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    eventually("the request to be under way", || {
        proxy.in_flight("web-1") == 1
    });
    drop(conn);
    assert!(seen.recv_timeout(DEADLINE).unwrap());
    eventually("the request to be off the books", || {
        proxy.in_flight("web-1") == 0
    });
}
