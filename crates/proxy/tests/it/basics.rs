//! Requests and answers pass as they are.

use crate::harness::*;

#[test]
fn a_request_reaches_the_app_and_its_answer_the_client() {
    let app = App::saying("hello");
    let (_site, proxy) = in_front_of(&app);
    let response = proxy.get("/a?b=c");
    assert_eq!((response.status, response.text().as_str()), (200, "hello"));
    let request = app.last_request();
    assert_eq!(request.path(), "/a?b=c");
    assert_eq!(request.header("host"), Some("app.test"));
    assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(request.header("x-forwarded-proto"), Some("http"));
    assert_eq!(request.header("x-forwarded-host"), Some("app.test"));
    assert_eq!(request.header("x-real-ip"), Some("127.0.0.1"));
    assert_eq!(
        request.header("forwarded"),
        Some("for=127.0.0.1;proto=http;host=\"app.test\"")
    );
    assert_eq!(request.header("x-request-id").map(str::len), Some(32));
    assert_eq!(response.header("landfall-release"), None);
}

#[test]
fn connections_are_kept_on_both_sides() {
    let app = App::saying("again");
    let (_site, proxy) = in_front_of(&app);
    let mut conn = proxy.connect();
    for _ in 0..10 {
        let response = conn.request("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(response.text(), "again");
    }
    assert_eq!(app.connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}
