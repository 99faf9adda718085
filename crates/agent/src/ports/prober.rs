//! Questions asked of instances and of the proxy, over a connection of their own each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Most of a body that is read; what checks look at is far smaller.
const MAX_BODY: usize = 1 << 20;

/// An HTTP question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Who is asked.
    pub address: SocketAddr,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Host header.
    pub host: String,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// How long the whole answer may take.
    pub timeout: Duration,
}

impl Ask {
    /// `GET path` as `host`.
    pub fn get(address: SocketAddr, host: &str, path: &str, timeout: Duration) -> Self {
        Self {
            address,
            method: "GET".into(),
            path: path.into(),
            host: host.into(),
            headers: BTreeMap::new(),
            timeout,
        }
    }
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names; the last value of each.
    pub headers: BTreeMap<String, String>,
    /// At most 1 MiB.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Nothing listens there.
    #[error("connection refused")]
    Refused,
    /// No whole answer within the time.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The connection or the answer broke.
    #[error("broken answer: {0}")]
    Broken(String),
    /// The question itself is not valid HTTP.
    #[error("invalid request: {0}")]
    Invalid(String),
}

/// Asks questions.
#[async_trait]
pub trait Prober: Send + Sync {
    /// Sends a request and reads the answer. Follows no redirect and retries nothing.
    async fn ask(&self, ask: &Ask) -> Result<Answer, AskError>;

    /// Whether something accepts connections there.
    async fn connect(&self, address: SocketAddr, timeout: Duration) -> Result<(), AskError>;
}

/// Asks over TCP.
#[derive(Debug, Clone, Copy)]
pub struct HttpProber;

#[async_trait]
impl Prober for HttpProber {
    async fn ask(&self, ask: &Ask) -> Result<Answer, AskError> {
        tokio::time::timeout(ask.timeout, exchange(ask))
            .await
            .unwrap_or(Err(AskError::TimedOut(ask.timeout)))
    }

    async fn connect(&self, address: SocketAddr, timeout: Duration) -> Result<(), AskError> {
        let connected = tokio::time::timeout(timeout, TcpStream::connect(address)).await;
        match connected {
            Err(_) => Err(AskError::TimedOut(timeout)),
            Ok(stream) => stream.map(drop).map_err(|error| connect_error(&error)),
        }
    }
}

fn connect_error(error: &std::io::Error) -> AskError {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => AskError::Refused,
        _ => AskError::Broken(error.to_string()),
    }
}

async fn exchange(ask: &Ask) -> Result<Answer, AskError> {
    let request = request(ask)?;
    let stream = TcpStream::connect(ask.address)
        .await
        .map_err(|error| connect_error(&error))?;
    let broken = |error: hyper::Error| AskError::Broken(error.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let driver = tokio::spawn(connection);
    let answer = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body = body
            .map_err(|error| AskError::Broken(error.to_string()))?
            .to_bytes();
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        };
        let headers = head.headers.iter().map(header).collect();
        Ok(Answer {
            status: head.status.as_u16(),
            headers,
            body: body.to_vec(),
        })
    };
    let answer = answer.await;
    driver.abort();
    answer
}

fn request(ask: &Ask) -> Result<http::Request<Empty<Bytes>>, AskError> {
    let mut request = http::Request::builder()
        .method(ask.method.as_str())
        .uri(ask.path.as_str())
        .header(http::header::HOST, ask.host.as_str())
        .header(
            http::header::USER_AGENT,
            concat!("landfall/", env!("CARGO_PKG_VERSION")),
        )
        .header(http::header::CONNECTION, "close");
    for (name, value) in &ask.headers {
        request = request.header(name.as_str(), value.as_str());
    }
    request
        .body(Empty::new())
        .map_err(|error| AskError::Invalid(error.to_string()))
}
