//! Which table, route and instance a request gets, and what it is told about that.

use std::collections::BTreeMap;

use landfall_model::snapshot::{Route, Table, Upstream};

use crate::harness::*;

fn get(proxy: &Proxy, host: &str, path: &str, headers: &str) -> Response {
    proxy.connect().request(format!(
        "GET {path} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\n\r\n"
    ))
}

/// A table whose routes lead to services that answer with their own name.
fn named_table(routes: Vec<Route>) -> (Table, Vec<App>) {
    let mut services = BTreeMap::new();
    let mut apps = Vec::new();
    for route in &routes {
        let app = App::saying(route.service.as_str());
        let instance = format!("{}-1", route.service);
        let targets = vec![app.target(&instance, 1)];
        services.insert(route.service.clone(), Upstream::Instances(targets));
        apps.push(app);
    }
    let table = Table {
        routes,
        services,
        ..table(1, Vec::new())
    };
    (table, apps)
}

#[test]
fn the_most_specific_route_wins_over_all_tables() {
    let (first, _apps) = named_table(vec![
        route(None, "/", "any"),
        route(None, "/deep/down", "any-deep"),
        route(Some("*.shop.test"), "/", "wildcard"),
        route(Some("shop.test"), "/", "exact"),
    ]);
    let (second, _more) = named_table(vec![
        route(Some("shop.test"), "/api/", "api"),
        route(Some("*.eu.shop.test"), "/", "long-wildcard"),
        route(Some("only.test"), "/x", "only"),
    ]);
    let site = Site::new();
    let proxy = site.start();
    proxy.put(&site.snapshot(1, vec![first, second]));
    for (host, path, expected) in [
        ("shop.test", "/", "exact"),
        ("SHOP.test:8080", "/apis", "exact"),
        ("shop.test.", "/api", "api"),
        ("shop.test", "/api/x", "api"),
        ("shop.test", "/api?x", "api"),
        ("shop.test", "/API", "exact"),
        ("a.shop.test", "/", "wildcard"),
        ("a.b.shop.test", "/", "wildcard"),
        ("a.eu.shop.test", "/", "long-wildcard"),
        ("xshop.test", "/", "any"),
        ("only.test", "/x/y", "only"),
        ("only.test", "/y", "any"),
        ("other.test", "/deep/down/x", "any-deep"),
        ("other.test", "/deep/downx", "any"),
    ] {
        assert_eq!(get(&proxy, host, path, "").text(), expected, "{host}{path}");
    }
}

#[test]
fn a_request_without_route_is_told_so() {
    let site = Site::new();
    let proxy = site.start();
    let (table, _apps) = named_table(vec![route(Some("a.test"), "/x", "a")]);
    proxy.put(&site.snapshot(1, vec![table]));
    let response = get(&proxy, "a.test", "/y", "accept: text/html\r\n");
    assert_eq!(response.status, 404);
    assert_eq!(response.header("landfall-error"), Some("no-route"));
    assert!(response.text().contains("<h1>Not Found</h1>"));
    let response = get(&proxy, "a.test", "/y", "accept: application/json\r\n");
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["error"], "no-route");
}

#[test]
fn a_prefix_is_stripped_where_the_route_says_so() {
    let mut stripped = route(None, "/api/", "api");
    stripped.strip_prefix = true;
    let (table, apps) = named_table(vec![stripped]);
    let site = Site::new();
    let proxy = site.start();
    proxy.put(&site.snapshot(1, vec![table]));
    for (path, behind) in [
        ("/api/a/b?c", "/a/b?c"),
        ("/api/", "/"),
        ("/api", "/"),
        ("/api?x", "/?x"),
    ] {
        assert_eq!(proxy.get(path).status, 200);
        let request = apps[0].last_request();
        assert_eq!(request.path(), behind);
        assert_eq!(request.header("x-forwarded-prefix"), Some("/api"));
    }
}

#[test]
fn what_clients_say_about_forwarding_is_replaced() {
    let app = App::saying("x");
    let (_site, proxy) = in_front_of(&app);
    let response = proxy.get_with(
        "/",
        "X-Forwarded-For: 6.6.6.6\r\nx_forwarded_for: 6.6.6.6\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Port: 1\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nProxy: http://evil\r\nlandfall-probe: no\r\n\
         landfall-release: 6\r\nX-Request-Id: my-id.1\r\nKeep-Alive: 5\r\nX-Hop: 1\r\nX-End: 1\r\nConnection: x-hop\r\n",
    );
    assert_eq!(response.status, 200);
    let request = app.last_request();
    assert!(!request.head.contains("6.6.6.6"), "{}", request.head);
    assert!(
        !request.head.contains("evil") && !request.head.contains("landfall"),
        "{}",
        request.head
    );
    for gone in [
        "x-forwarded-port",
        "proxy",
        "keep-alive",
        "x-hop",
        "connection",
    ] {
        assert_eq!(request.header(gone), None, "{gone}");
    }
    assert_eq!(request.header("x-end"), Some("1"));
    assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(request.header("x-request-id"), Some("my-id.1"));
    proxy.get_with("/", "x-request-id: <script>\r\n");
    assert_eq!(
        app.last_request().header("x-request-id").map(str::len),
        Some(32)
    );
}

#[test]
fn d6_what_a_web_server_in_front_says_of_visitors_is_believed_as_far_as_it_knows() {
    let app = App::saying("x");
    let site = Site::new();
    let proxy = site.start();
    let mut snapshot = site.snapshot(1, vec![table(1, vec![app.target("web-1", 1)])]);
    snapshot.behind = vec![
        "127.0.0.0/8".parse().unwrap(),
        "10.0.0.0/8".parse().unwrap(),
    ];
    proxy.put(&snapshot);
    // (what the web server says, the visitor, the whole way)
    for (says, visitor, way) in [
        ("", "127.0.0.1", "127.0.0.1"),
        (
            "X-Forwarded-For: 203.0.113.7\r\n",
            "203.0.113.7",
            "203.0.113.7, 127.0.0.1",
        ),
        (
            "X-Forwarded-For: 6.6.6.6, 203.0.113.7\r\nX-Forwarded-For: 10.1.1.1\r\n",
            "203.0.113.7",
            "6.6.6.6, 203.0.113.7, 10.1.1.1, 127.0.0.1",
        ),
        (
            "X-Forwarded-For: [2001:db8::1]:99\r\n",
            "2001:db8::1",
            "[2001:db8::1]:99, 127.0.0.1",
        ),
        (
            "X-Forwarded-For: 6.6.6.6, unknown\r\n",
            "127.0.0.1",
            "6.6.6.6, unknown, 127.0.0.1",
        ),
    ] {
        proxy.get_with("/", &format!("{says}X-Forwarded-Proto: https\r\n"));
        let request = app.last_request();
        assert_eq!(request.header("x-real-ip"), Some(visitor), "{says}");
        assert_eq!(request.header("x-forwarded-for"), Some(way), "{says}");
        assert_eq!(request.header("x-forwarded-proto"), Some("https"));
        assert!(
            request
                .header("forwarded")
                .unwrap()
                .contains(";proto=https")
        );
    }
    for (says, host) in [
        ("shop.example", "shop.example"),
        ("evil\\\", proto=x", "app.test"),
    ] {
        proxy.get_with("/", &format!("X-Forwarded-Host: {says}\r\n"));
        let request = app.last_request();
        assert_eq!(request.header("x-forwarded-host"), Some(host));
        assert_eq!(request.header("x-forwarded-proto"), Some("http"));
    }
}

#[test]
fn a_candidate_is_reached_by_its_token_alone() {
    let live = App::saying("live");
    let next = App::saying("next");
    let site = Site::new();
    let proxy = site.start();
    let mut snapshot = site.snapshot(1, vec![table(1, vec![live.target("web-1", 1)])]);
    let candidate_table = table(2, vec![next.target("web-2", 2)]);
    snapshot.candidates = vec![
        candidate("secret", candidate_table),
        candidate("", table(3, vec![])),
    ];
    proxy.put(&snapshot);
    assert_eq!(proxy.get("/").text(), "live");
    let response = proxy.get_with("/", "landfall-candidate: secret\r\n");
    assert_eq!(response.text(), "next");
    assert_eq!(response.header("landfall-release"), Some("2"));
    assert_eq!(response.header("landfall-instance"), Some("web-2"));
    assert!(!next.last_request().head.contains("landfall"));
    for token in ["wrong", "", "secre", "secretx"] {
        let response = proxy.get_with("/", &format!("landfall-candidate: {token}\r\n"));
        assert_eq!(response.status, 404, "{token}");
        assert_eq!(response.header("landfall-error"), Some("unknown-candidate"));
    }
    assert_eq!((live.request_count(), next.request_count()), (1, 1));
    snapshot.generation = 2;
    snapshot.candidates.clear();
    proxy.put(&snapshot);
    assert_eq!(
        proxy.get_with("/", "landfall-candidate: secret\r\n").status,
        404
    );
}

#[test]
fn a1_answers_to_the_agent_say_which_release_they_are_from() {
    let app = App::http(|_| {
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nlandfall-release: 99\r\nlandfall-instance: liar\r\nlandfall-error: x\r\n\r\n".to_owned()
    });
    let (_site, proxy) = in_front_of(&app);
    let response = proxy.get_with("/", &format!("landfall-probe: {PROBE}\r\n"));
    assert_eq!(response.header("landfall-release"), Some("1"));
    assert_eq!(response.header("landfall-instance"), Some("web-1"));
    assert_eq!(response.header("landfall-error"), None);
    for other in ["", "landfall-probe: wrong\r\n", "landfall-probe:\r\n"] {
        let response = proxy.get_with("/", other);
        assert_eq!(response.header("landfall-release"), None);
        assert_eq!(response.header("landfall-instance"), None);
    }
}

#[test]
fn requests_go_to_the_instance_with_the_fewest() {
    let slow = App::raw(|mut conn, _| {
        conn.head().unwrap();
        conn.rest();
    });
    let quick = App::saying("quick");
    let site = Site::new();
    let proxy = site.start();
    // Two more than the quick one ever has, which may still be counted when its answer is read.
    proxy.put(&site.snapshot(1, vec![table(1, vec![slow.target("web-1", 1)])]));
    let mut held: Vec<_> = (0..3).map(|_| proxy.connect()).collect();
    for conn in &mut held {
        conn.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    }
    eventually("the slow instance to hold them", || {
        proxy.in_flight("web-1") == 3
    });
    let targets = vec![slow.target("web-1", 1), quick.target("web-2", 1)];
    proxy.put(&site.snapshot(2, vec![table(1, targets)]));
    for _ in 0..20 {
        assert_eq!(proxy.get("/").text(), "quick");
    }
    assert_eq!(proxy.in_flight("web-1"), 3);
}
