//! The access log and the counters.

use landfall_model::snapshot::LATENCY_BUCKETS_US;

use crate::harness::*;

#[test]
fn the_public_is_counted_and_the_agent_is_not() {
    let app = App::http(|request| match request.path() {
        "/bad" => "HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n".to_owned(),
        _ => ok("x"),
    });
    let (site, proxy) = in_front_of(&app);
    for _ in 0..3 {
        proxy.get("/");
    }
    proxy.get("/bad");
    proxy.get_with("/", &format!("landfall-probe: {PROBE}\r\n"));
    let mut snapshot = site.snapshot(2, vec![table(1, vec![app.target("web-1", 1)])]);
    snapshot.candidates = vec![candidate("token", table(2, vec![app.target("web-2", 2)]))];
    proxy.put(&snapshot);
    proxy.get_with("/", "landfall-candidate: token\r\n");
    let counters = proxy.counters();
    assert_eq!(counters.rows.len(), 1, "{counters:?}");
    let row = &counters.rows[0];
    assert_eq!(
        (row.app.as_str(), row.service.as_str(), row.release.0),
        ("shop", "web", 1)
    );
    assert_eq!(row.by_class, [0, 3, 0, 0, 1]);
    assert_eq!(row.latency.len(), LATENCY_BUCKETS_US.len() + 1);
    assert_eq!(row.latency.iter().sum::<u64>(), 4);
    assert!(counters.epoch > 0);
}

#[test]
fn every_request_is_a_line_of_json() {
    let app = App::saying("x");
    let (_site, proxy) = in_front_of(&app);
    proxy.get_with("/a\"b\\c?\u{e9}", "x-request-id: id-1\r\n");
    proxy.get_with("/", &format!("landfall-probe: {PROBE}\r\n"));
    proxy.connect().request("GET / HTTP/1.1\r\n\r\n");
    eventually("three lines", || proxy.log_lines().len() == 3);
    let lines = proxy.log_lines();
    let of = |pick: &dyn Fn(&serde_json::Value) -> bool| {
        lines
            .iter()
            .find(|line| pick(line))
            .expect("a line")
            .clone()
    };
    let line = of(&|line| line["request_id"] == "id-1");
    assert_eq!(line["path"], "/a\"b\\c?\u{e9}");
    assert_eq!(line["method"], "GET");
    assert_eq!(line["host"], "app.test");
    assert_eq!(line["status"], 200);
    assert_eq!(
        (&line["app"], &line["env"]),
        (&"shop".into(), &"production".into())
    );
    assert_eq!(
        (&line["service"], &line["instance"]),
        (&"web".into(), &"web-1".into())
    );
    assert_eq!(line["release"], 1);
    assert_eq!(line["client"], "127.0.0.1");
    for number in ["bytes", "duration_us", "upstream_us"] {
        assert!(
            line[number].as_u64().is_some_and(|number| number > 0),
            "{number}: {line}"
        );
    }
    assert!(line["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(of(&|line| line["probe"] == true)["status"], 200);
    assert_eq!(of(&|line| line["error"] == "bad-request")["status"], 400);
}
