//! WebSocket clients: a long session, a message every now and then, each to be echoed.
//!
//! A server that says goodbye properly (1000, 1001, 1012) is left and met again on a new
//! connection; anything else that ends a session lost it.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use http::Request;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::handle::Client;
use crate::http::classify_io;
use crate::ledger::Answer;
use crate::record::{Failure, Kind};

/// How long the other side may take to end a connection on which goodbyes were said.
const GOODBYE: Duration = Duration::from_secs(2);

/// Pause after a lost session.
const AFTER_FAILURE: Duration = Duration::from_millis(50);

type Socket = WebSocketStream<TcpStream>;

/// How a session ended.
enum End {
    /// No more is wanted.
    Stopped,
    /// The server said goodbye.
    Goodbye,
    /// Something was lost, and is on the record.
    Lost,
}

/// Holds one session after the other.
pub(crate) async fn sessions(client: Client) {
    tokio::select! {
        () = client.told_to_stop() => return,
        () = sleep(client.head_start) => {}
    }
    while !*client.stop.borrow() {
        let opened = Instant::now();
        let (answer, socket) = match timeout(client.plan.timeout, open(&client)).await {
            Ok(Ok((answer, socket))) => (answer, socket),
            Ok(Err(failure)) => (Answer::Lost(failure), None),
            Err(_) => (Answer::Lost(Failure::Timeout), None),
        };
        client
            .ledger
            .add(Kind::WebSocketOpen, opened, opened, answer);
        let end = match socket {
            Some(socket) => {
                client.ledger.websocket_opened();
                let end = Session {
                    client: &client,
                    socket,
                    opened,
                    sent: 0,
                }
                .talk()
                .await;
                client.ledger.websocket_closed();
                end
            }
            None => End::Lost,
        };
        match end {
            End::Stopped => return,
            End::Goodbye => {}
            End::Lost => sleep(AFTER_FAILURE).await,
        }
    }
}

/// Opens a session; without one there is the answer that the server gave instead.
async fn open(client: &Client) -> Result<(Answer, Option<Socket>), Failure> {
    let stream = client.dial().await?;
    let request = Request::get(format!(
        "ws://{}{}",
        client.plan.host, client.plan.websocket_path
    ))
    .header("host", &client.plan.host)
    .header("connection", "Upgrade")
    .header("upgrade", "websocket")
    .header("sec-websocket-version", "13")
    .header("sec-websocket-key", generate_key())
    .body(())
    .map_err(|_| Failure::BadAnswer)?;
    match client_async(request, stream).await {
        Ok((socket, response)) => {
            let answer = client.answer(response.status().as_u16(), response.headers());
            Ok((answer, Some(socket)))
        }
        Err(Error::Http(response)) => {
            let answer = client.answer(response.status().as_u16(), response.headers());
            Ok((answer, None))
        }
        Err(error) => Err(classify(&error)),
    }
}

struct Session<'a> {
    client: &'a Client,
    socket: Socket,
    opened: Instant,
    sent: u64,
}

/// What came on a session.
enum Heard {
    /// Text.
    Text(String),
    /// A proper goodbye.
    Goodbye,
    /// The end, not a proper one.
    Lost(Failure),
}

impl Session<'_> {
    async fn talk(mut self) -> End {
        let client = self.client;
        let mut due = interval(self.client.plan.message_every);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let heard = tokio::select! {
                biased;
                () = client.told_to_stop() => {
                    self.leave().await;
                    return End::Stopped;
                }
                heard = self.hear() => Some(heard),
                _ = due.tick() => None,
            };
            let end = match heard {
                // Said without being asked: a greeting.
                Some(Heard::Text(_)) => None,
                Some(Heard::Goodbye) => Some(End::Goodbye),
                Some(Heard::Lost(failure)) => {
                    self.record(Instant::now(), Answer::Lost(failure));
                    Some(End::Lost)
                }
                None => self.exchange().await,
            };
            if let Some(end) = end {
                self.leave().await;
                return end;
            }
        }
    }

    /// Sends a message and waits for its echo; says how the session ended, if it did.
    async fn exchange(&mut self) -> Option<End> {
        let started = Instant::now();
        self.sent += 1;
        let token = format!("message {}", self.sent);
        let limit = self.client.plan.timeout;
        let answer = match timeout(limit, self.echo(&token)).await {
            Ok(Ok(Some(version))) => {
                self.record(
                    started,
                    Answer::Complete {
                        status: 101,
                        version,
                        proxy_error: None,
                    },
                );
                return None;
            }
            Ok(Ok(None)) => {
                self.client.ledger.crossed_close();
                return Some(End::Goodbye);
            }
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Timeout,
        };
        self.record(started, Answer::Lost(answer));
        Some(End::Lost)
    }

    /// The version that the echo of `token` told; outer `None` when a goodbye came instead.
    async fn echo(&mut self, token: &str) -> Result<Option<Option<String>>, Failure> {
        // A server that has said goodbye may refuse more; what it said is still to be heard.
        let sent = self.socket.send(Message::text(token)).await;
        loop {
            match self.hear().await {
                Heard::Goodbye => return Ok(None),
                Heard::Lost(failure) => {
                    return Err(sent.err().map_or(failure, |error| classify(&error)));
                }
                Heard::Text(text) => match read_echo(&text, token) {
                    Some(Echo::Ours(version)) => return Ok(Some(version)),
                    Some(Echo::Other) => return Err(Failure::BadFrame),
                    None => {}
                },
            }
        }
    }

    /// The next thing said. Can be dropped at any await without losing anything.
    async fn hear(&mut self) -> Heard {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Heard::Text(text.to_string()),
                Some(Ok(Message::Close(frame))) if is_proper(frame.as_ref()) => {
                    return Heard::Goodbye;
                }
                Some(Ok(Message::Close(_))) => return Heard::Lost(Failure::AbnormalClose),
                Some(Ok(Message::Binary(_))) => return Heard::Lost(Failure::BadFrame),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Heard::Lost(classify(&error)),
                None => return Heard::Lost(Failure::AbnormalClose),
            }
        }
    }

    /// Ends the connection politely, whoever said goodbye first.
    async fn leave(&mut self) {
        let goodbye = async {
            // Fails when the server was first; then the answer to its goodbye is what is left.
            let _ = self.socket.close(None).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        let _ = timeout(GOODBYE, goodbye).await;
    }

    fn record(&self, started: Instant, answer: Answer) {
        let kind = Kind::WebSocketMessage;
        self.client.ledger.add(kind, self.opened, started, answer);
    }
}

/// A text that echoes something.
enum Echo {
    /// What we sent, and the version told with it.
    Ours(Option<String>),
    /// Something else.
    Other,
}

/// Reads `{"version": …, "echo": …}`, or a bare echo; `None` when nothing is echoed.
fn read_echo(text: &str, token: &str) -> Option<Echo> {
    if text == token {
        return Some(Echo::Ours(None));
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return Some(Echo::Other);
    };
    let echo = value.get("echo")?.as_str();
    let version = value.get("version").and_then(Value::as_str);
    Some(match echo {
        Some(echo) if echo == token => Echo::Ours(version.map(String::from)),
        _ => Echo::Other,
    })
}

fn is_proper(frame: Option<&CloseFrame>) -> bool {
    matches!(
        frame.map(|frame| frame.code),
        Some(CloseCode::Normal | CloseCode::Away | CloseCode::Restart)
    )
}

fn classify(error: &Error) -> Failure {
    match error {
        Error::Io(error) => classify_io(error),
        Error::ConnectionClosed | Error::AlreadyClosed => Failure::AbnormalClose,
        Error::Protocol(protocol) => {
            use tokio_tungstenite::tungstenite::error::ProtocolError;
            match protocol {
                ProtocolError::ResetWithoutClosingHandshake => Failure::AbnormalClose,
                ProtocolError::HandshakeIncomplete => Failure::ClosedEarly,
                _ => Failure::BadFrame,
            }
        }
        _ => Failure::BadFrame,
    }
}
