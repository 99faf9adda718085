//! What the records say, judged without a network.

use super::*;
use crate::ledger::{Answer, Ledger};

fn answered(version: &str) -> Answer {
    Answer::Complete {
        status: 200,
        version: Some(version.into()),
        proxy_error: None,
    }
}

fn at(report: &LoadReport, ms: u64) -> Instant {
    report.began + Duration::from_millis(ms)
}

/// A report with one request of `version` that began and ended at these milliseconds.
fn one(kind: Kind, version: &str, times: [u64; 3]) -> LoadReport {
    let ledger = Ledger::new();
    let now = Instant::now();
    ledger.add(kind, now, now, answered(version));
    let mut report = ledger.report();
    let [opened, started, ended] = times.map(Duration::from_millis);
    report.records[0] = Record {
        opened,
        started,
        ended,
        ..report.records[0].clone()
    };
    report
}

#[test]
fn an_answer_is_right_when_its_version_was_live_while_it_was_asked_for() {
    let report = one(Kind::KeepAlive, "v1", [100, 100, 200]);
    let live = |from, to| vec![(at(&report, from)..at(&report, to), "v1")];
    assert!(report.wrong_version(&live(0, 1000)).is_empty());
    assert!(report.wrong_version(&live(0, 100)).is_empty());
    assert!(report.wrong_version(&live(200, 300)).is_empty());
    assert_eq!(report.wrong_version(&live(0, 99)).len(), 1);
    assert_eq!(report.wrong_version(&live(201, 300)).len(), 1);
}

#[test]
fn an_answer_of_a_version_that_was_never_live_is_wrong() {
    let report = one(Kind::KeepAlive, "v3", [100, 100, 200]);
    let timeline = [(at(&report, 0)..at(&report, 1000), "v1".to_string())];
    assert_eq!(report.wrong_version(&timeline).len(), 1);
}

#[test]
fn a_version_that_was_live_twice_is_right_both_times() {
    let report = one(Kind::KeepAlive, "v1", [500, 500, 510]);
    let timeline = [
        (at(&report, 0)..at(&report, 100), "v1"),
        (at(&report, 100)..at(&report, 400), "v2"),
        (at(&report, 400)..at(&report, 900), "v1"),
    ];
    assert!(report.wrong_version(&timeline).is_empty());
}

#[test]
fn a_websocket_stays_with_the_version_it_was_opened_on() {
    let report = one(Kind::WebSocketMessage, "v1", [50, 300, 310]);
    let timeline = [(at(&report, 0)..at(&report, 100), "v1")];
    assert!(report.wrong_version(&timeline).is_empty());
}

#[test]
fn an_answer_that_the_proxy_made_is_a_failure_and_no_error_of_the_app() {
    let ledger = Ledger::new();
    let now = Instant::now();
    let answer = Answer::Complete {
        status: 503,
        version: None,
        proxy_error: Some("no-instance".into()),
    };
    ledger.add(Kind::KeepAlive, now, now, answer);
    let report = ledger.report();
    assert_eq!((report.failed, report.app_errors), (1, 0));
    let explained = report.explain_failures(10);
    assert!(
        explained.contains("answered 503 by the proxy: no-instance"),
        "{explained}"
    );
}

#[test]
fn an_error_that_the_app_answered_is_not_a_lost_request() {
    let ledger = Ledger::new();
    let now = Instant::now();
    let answer = Answer::Complete {
        status: 500,
        version: Some("v5".into()),
        proxy_error: None,
    };
    ledger.add(Kind::KeepAlive, now, now, answer);
    let report = ledger.report();
    assert_eq!((report.failed, report.app_errors), (0, 1));
    assert_eq!(report.by_version["v5"].answers, 1);
}
