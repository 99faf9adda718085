//! HTTP clients that retry nothing.
//!
//! They drive one connection each by themselves: a connection pool would hide exactly the losses
//! that are looked for.

use std::error::Error as _;
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};

use crate::handle::Client;
use crate::ledger::Answer;
use crate::record::{Failure, Kind};

/// The proxy's header on answers that it made itself.
const PROXY_ERROR: &str = "landfall-error";

/// Pause after a lost request: a server that refuses everything is asked, not stormed.
const AFTER_FAILURE: Duration = Duration::from_millis(20);

type Sender = SendRequest<Empty<Bytes>>;

/// Sends requests one after the other on one connection, for as long as the server keeps it.
pub(crate) async fn keep_alive(client: Client, kind: Kind) {
    let period = match kind {
        Kind::Slow => None,
        _ => client.plan.period(),
    };
    let mut pace = Pace::new(&client, period);
    let mut connection: Option<Sender> = None;
    let mut nth = 0;
    while pace.next(&client).await {
        if let Some(sender) = &mut connection
            && (sender.ready().await.is_err() || sender.is_closed())
        {
            client.ledger.idle_close();
            connection = None;
        }
        let path = match kind {
            Kind::Slow => &client.plan.slow_path,
            _ => client.path(nth),
        };
        nth += 1;
        let started = Instant::now();
        let (answer, kept) = client.ask(connection.take(), path, true).await;
        connection = kept;
        client.finish(kind, started, answer).await;
    }
}

/// Opens a connection for every request.
pub(crate) async fn new_connections(client: Client) {
    let mut pace = Pace::new(&client, client.plan.period());
    let mut nth = 0;
    while pace.next(&client).await {
        let started = Instant::now();
        let (answer, _) = client.ask(None, client.path(nth), false).await;
        nth += 1;
        client.finish(Kind::NewConnection, started, answer).await;
    }
}

/// When the next request is due.
struct Pace {
    interval: Option<Interval>,
    head_start: Duration,
}

impl Pace {
    fn new(client: &Client, period: Option<Duration>) -> Self {
        let interval = period.map(|period| {
            let mut interval = interval(period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        Self {
            interval,
            head_start: client.head_start,
        }
    }

    /// Waits for the next request to be due; false when no more are wanted.
    async fn next(&mut self, client: &Client) -> bool {
        let due = async {
            sleep(std::mem::take(&mut self.head_start)).await;
            match &mut self.interval {
                Some(interval) => drop(interval.tick().await),
                // Lets the connection's own task see what the server did meanwhile.
                None => tokio::task::yield_now().await,
            }
        };
        tokio::select! {
            biased;
            () = client.told_to_stop() => false,
            () = due => true,
        }
    }
}

impl Client {
    fn path(&self, nth: usize) -> &str {
        let paths = &self.plan.paths;
        match paths.len() {
            0 => "/",
            count => &paths[nth % count],
        }
    }

    /// One request and its whole answer, on the connection given or on a new one. The connection
    /// comes back when it can be used again.
    async fn ask(
        &self,
        connection: Option<Sender>,
        path: &str,
        keep: bool,
    ) -> (Answer, Option<Sender>) {
        match timeout(self.plan.timeout, self.exchange(connection, path, keep)).await {
            Ok(Ok((answer, kept))) => (answer, kept),
            Ok(Err(failure)) => (Answer::Lost(failure), None),
            Err(_) => (Answer::Lost(Failure::Timeout), None),
        }
    }

    async fn exchange(
        &self,
        connection: Option<Sender>,
        path: &str,
        keep: bool,
    ) -> Result<(Answer, Option<Sender>), Failure> {
        let mut sender = match connection {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let mut request = Request::get(path).header(header::HOST, &self.plan.host);
        if !keep {
            request = request.header(header::CONNECTION, "close");
        }
        let request = request.body(Empty::new()).map_err(|_| Failure::BadAnswer)?;

        let mut response = sender
            .send_request(request)
            .await
            .map_err(|e| classify(&e))?;
        while let Some(frame) = response.body_mut().frame().await {
            frame.map_err(|e| classify(&e))?;
        }
        let keep = keep && !closes(response.headers());
        let answer = self.answer(response.status().as_u16(), response.headers());
        Ok((answer, keep.then_some(sender)))
    }

    async fn connect(&self) -> Result<Sender, Failure> {
        let stream = self.dial().await?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|e| classify(&e))?;
        // The connection's errors reach the request that they concern through its sender.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// A TCP connection to the target.
    pub(crate) async fn dial(&self) -> Result<TcpStream, Failure> {
        let stream = TcpStream::connect(self.plan.target).await;
        let stream = stream.map_err(|error| classify_io(&error))?;
        // Only latency depends on it.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// What an answer with these headers counts as.
    pub(crate) fn answer(&self, status: u16, headers: &HeaderMap) -> Answer {
        let text = |name: &str| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Answer::Complete {
            status,
            version: text(&self.plan.version_header),
            proxy_error: text(PROXY_ERROR),
        }
    }

    async fn finish(&self, kind: Kind, started: Instant, answer: Answer) {
        let lost = matches!(answer, Answer::Lost(_));
        self.ledger.add(kind, started, started, answer);
        if lost {
            sleep(AFTER_FAILURE).await;
        }
    }
}

fn closes(headers: &HeaderMap) -> bool {
    let options = headers.get_all(header::CONNECTION);
    options
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case("close"))
}

fn classify(error: &hyper::Error) -> Failure {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return classify_io(error);
        }
        source = cause.source();
    }
    match () {
        () if error.is_parse() => Failure::BadAnswer,
        // The rest are ends of the connection, those noticed before the request was written
        // included: it was given to the connection, and a client that retries nothing lost it.
        () => Failure::ClosedEarly,
    }
}

/// How an error of the operating system counts.
pub(crate) fn classify_io(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Failure::Reset,
        io::ErrorKind::TimedOut => Failure::Timeout,
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Failure::BadAnswer,
        io::ErrorKind::UnexpectedEof => Failure::ClosedEarly,
        // Unreachable networks and exhausted ports: no connection came to be.
        _ => Failure::Refused,
    }
}
