//! What the clients of a load make of servers that misbehave in one exact way each.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use landfall_load::{Failure, Kind, Load, LoadHandle, LoadPlan, LoadReport, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const OK: &str = "HTTP/1.1 200 OK\r\nx-version: v1\r\ncontent-length: 3\r\n\r\nyes";
const OK_CLOSE: &str =
    "HTTP/1.1 200 OK\r\nx-version: v1\r\nconnection: close\r\ncontent-length: 3\r\n\r\nyes";

/// Reads one request head; false at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    loop {
        let mut byte = [0];
        match stream.read(&mut byte).await {
            Ok(1) => seen.push(byte[0]),
            _ => return false,
        }
        if seen.ends_with(b"\r\n\r\n") {
            return true;
        }
    }
}

/// A server that handles every connection with `handle`, and its address.
async fn serve<F, Fut>(handle: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handle(stream));
        }
    });
    address
}

fn plan(target: SocketAddr) -> LoadPlan {
    LoadPlan {
        pace: 200.0,
        message_every: Duration::from_millis(5),
        timeout: Duration::from_secs(20),
        ..LoadPlan::idle(target, "app.localhost")
    }
}

/// Runs a load until `enough`, and reports it.
async fn run(plan: LoadPlan, enough: impl Fn(&LoadHandle) -> bool) -> LoadReport {
    let load = Load::start(plan).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    while !enough(&load) {
        assert!(Instant::now() < deadline, "{:?}", load.snapshot());
        tick.tick().await;
    }
    load.stop().await
}

fn requests(count: u64) -> impl Fn(&LoadHandle) -> bool {
    move |load| load.snapshot().requests >= count
}

fn only_failure(report: &LoadReport) -> Failure {
    let failures: Vec<_> = report.failures().map(|record| record.outcome).collect();
    match failures.first() {
        Some(Outcome::Failed(failure)) => {
            let same = failures.iter().all(|o| *o == Outcome::Failed(*failure));
            assert!(same, "{}", report.explain_failures(20));
            *failure
        }
        other => panic!("no failure: {other:?}"),
    }
}

/// Answers every request with `answer`, on as many connections as come.
async fn always(answer: &'static str) -> SocketAddr {
    serve(move |mut stream| async move {
        while read_request(&mut stream).await {
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn a_server_that_answers_everything_loses_nothing() {
    let target = always(OK).await;
    let plan = LoadPlan {
        keep_alive: 2,
        new_connections: 2,
        slow: 1,
        ..plan(target)
    };
    let report = run(plan, requests(100)).await;
    assert_eq!(report.failed, 0, "{}", report.explain_failures(20));
    assert_eq!(report.requests, report.records.len() as u64);
    assert_eq!(report.by_version["v1"].answers, report.requests);
    for kind in [Kind::KeepAlive, Kind::NewConnection, Kind::Slow] {
        assert!(report.count(kind) > 0, "no {kind}");
    }
    assert_eq!(report.idle_closes, 0);
}

#[tokio::test]
async fn a_refused_connection_is_a_failure() {
    let target = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let report = run(
        LoadPlan {
            keep_alive: 1,
            ..plan(target)
        },
        requests(3),
    )
    .await;
    assert_eq!(only_failure(&report), Failure::Refused);
    assert_eq!(report.failed, report.requests);
}

#[tokio::test]
async fn a_connection_that_ends_on_a_request_is_a_failure_and_not_retried() {
    // The first request is answered; the next one is read, and then nothing comes.
    let target = serve(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(OK.as_bytes()).await.unwrap();
        read_request(&mut stream).await;
    })
    .await;
    let report = run(
        LoadPlan {
            keep_alive: 1,
            ..plan(target)
        },
        requests(10),
    )
    .await;
    assert_eq!(only_failure(&report), Failure::ClosedEarly);
    let answered = report.requests - report.failed;
    assert!(report.failed.abs_diff(answered) <= 1, "{report:?}");
}

#[tokio::test]
async fn an_answer_that_is_cut_short_is_a_failure() {
    let target = serve(|mut stream| async move {
        read_request(&mut stream).await;
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nyes";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let report = run(
        LoadPlan {
            new_connections: 1,
            ..plan(target)
        },
        requests(3),
    )
    .await;
    assert_eq!(only_failure(&report), Failure::ClosedEarly);
}

#[tokio::test]
async fn a_chunked_answer_without_its_end_is_a_failure() {
    let target = serve(|mut stream| async move {
        read_request(&mut stream).await;
        let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let report = run(
        LoadPlan {
            new_connections: 1,
            ..plan(target)
        },
        requests(3),
    )
    .await;
    assert_eq!(only_failure(&report), Failure::ClosedEarly);
}

#[tokio::test]
async fn a_reset_is_a_failure() {
    let target = serve(|mut stream| async move {
        read_request(&mut stream).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let report = run(
        LoadPlan {
            new_connections: 1,
            ..plan(target)
        },
        requests(3),
    )
    .await;
    assert_eq!(only_failure(&report), Failure::Reset);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_a_failure() {
    let target = serve(|mut stream| async move { while read_request(&mut stream).await {} }).await;
    let timeout = Duration::from_millis(50);
    let plan = LoadPlan {
        new_connections: 1,
        timeout,
        ..plan(target)
    };
    let report = run(plan, requests(2)).await;
    assert_eq!(only_failure(&report), Failure::Timeout);
}

#[tokio::test]
async fn what_is_not_http_is_a_failure() {
    let target = always("SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    let report = run(
        LoadPlan {
            new_connections: 1,
            ..plan(target)
        },
        requests(3),
    )
    .await;
    assert_eq!(only_failure(&report), Failure::BadAnswer);
}

#[tokio::test]
async fn an_announced_close_is_honoured() {
    let target = serve(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(OK_CLOSE.as_bytes()).await.unwrap();
    })
    .await;
    let report = run(
        LoadPlan {
            keep_alive: 2,
            ..plan(target)
        },
        requests(20),
    )
    .await;
    assert_eq!(
        (report.failed, report.idle_closes),
        (0, 0),
        "{}",
        report.explain_failures(20)
    );
}

#[tokio::test]
async fn an_answer_of_the_proxy_itself_is_a_failure() {
    let target = always(
        "HTTP/1.1 503 Service Unavailable\r\nlandfall-error: no-instance\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let report = run(
        LoadPlan {
            keep_alive: 1,
            ..plan(target)
        },
        requests(3),
    )
    .await;
    assert_eq!((report.failed, report.app_errors), (report.requests, 0));
    assert!(
        report
            .explain_failures(1)
            .contains("by the proxy: no-instance")
    );
}

/// A WebSocket server that greets, echoes `echoes` messages with a version, and then does `end`.
async fn websocket_server<F, Fut>(echoes: usize, end: F) -> SocketAddr
where
    F: Fn(tokio_tungstenite::WebSocketStream<TcpStream>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    serve(move |stream| {
        let end = end.clone();
        async move {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let _ = socket.send(Message::text(r#"{"version":"v1"}"#)).await;
            for _ in 0..echoes {
                let Some(Ok(Message::Text(text))) = socket.next().await else {
                    return;
                };
                let echo = format!(r#"{{"version":"v1","echo":"{text}"}}"#);
                let _ = socket.send(Message::text(echo)).await;
            }
            end(socket).await;
        }
    })
    .await
}

#[tokio::test]
async fn messages_of_a_websocket_are_counted_by_version() {
    let target = websocket_server(usize::MAX, |_| async {}).await;
    let report = run(
        LoadPlan {
            websockets: 2,
            ..plan(target)
        },
        requests(50),
    )
    .await;
    assert_eq!(report.failed, 0, "{}", report.explain_failures(20));
    assert_eq!(report.count(Kind::WebSocketOpen), 2);
    assert_eq!(
        report.by_version["v1"].answers,
        report.count(Kind::WebSocketMessage) as u64
    );
}

#[tokio::test]
async fn a_websocket_that_is_closed_properly_is_opened_again_without_a_failure() {
    let target = websocket_server(3, |mut socket| async move {
        let frame = CloseFrame {
            code: CloseCode::Away,
            reason: "".into(),
        };
        let _ = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let report = run(
        LoadPlan {
            websockets: 1,
            ..plan(target)
        },
        requests(30),
    )
    .await;
    assert_eq!(report.failed, 0, "{}", report.explain_failures(20));
    assert!(report.count(Kind::WebSocketOpen) > 3, "{report:?}");
}

#[tokio::test]
async fn a_websocket_that_ends_without_a_goodbye_is_a_failure() {
    let target = websocket_server(3, |socket| async move { drop(socket) }).await;
    let lost = |load: &LoadHandle| load.snapshot().failed >= 3;
    let report = run(
        LoadPlan {
            websockets: 1,
            ..plan(target)
        },
        lost,
    )
    .await;
    let abnormal = |failure| matches!(failure, Failure::AbnormalClose | Failure::Reset);
    assert!(
        report
            .failures()
            .all(|r| matches!(r.outcome, Outcome::Failed(f) if abnormal(f))),
        "{}",
        report.explain_failures(20)
    );
}

#[tokio::test]
async fn a_websocket_that_is_closed_for_an_error_is_a_failure() {
    let target = websocket_server(3, |mut socket| async move {
        let frame = CloseFrame {
            code: CloseCode::Error,
            reason: "".into(),
        };
        let _ = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let lost = |load: &LoadHandle| load.snapshot().failed >= 2;
    let report = run(
        LoadPlan {
            websockets: 1,
            ..plan(target)
        },
        lost,
    )
    .await;
    assert_eq!(only_failure(&report), Failure::AbnormalClose);
}

#[tokio::test]
async fn a_websocket_that_is_refused_by_the_proxy_is_a_failure() {
    let target = always(
        "HTTP/1.1 502 Bad Gateway\r\nlandfall-error: upstream-refused\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let report = run(
        LoadPlan {
            websockets: 1,
            ..plan(target)
        },
        requests(2),
    )
    .await;
    assert_eq!(
        report.failed,
        report.requests,
        "{}",
        report.explain_failures(20)
    );
    assert_eq!(report.count(Kind::WebSocketOpen), report.records.len());
}

#[test]
fn a_load_ends_with_its_requests_answered_and_not_cut() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let target = runtime.block_on(serve(|mut stream| async move {
        while read_request(&mut stream).await {
            tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>())
                .await
                .unwrap_err();
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    }));
    let load = Load::start(LoadPlan {
        slow: 3,
        ..plan(target)
    })
    .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while load.snapshot().requests < 3 {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    let report = load.stop_blocking();
    assert_eq!(report.failed, 0, "{}", report.explain_failures(20));
}
