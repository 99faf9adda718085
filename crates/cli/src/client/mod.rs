//! The agent's API from the outside: HTTP over its unix socket, or over `ssh` to that of a server.
//!
//! Starts nothing: an agent that is not there is an error that says so.

mod error;
mod lines;
mod query;
mod sse;
mod way;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use landfall_agent::api::types::ApiError;
use landfall_model::ServerAddress;
use landfall_server::Ssh;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::ClientError;
pub use lines::JsonLines;
pub use query::Query;
pub use sse::EventStream;

use self::way::{Body, Remote, Way};

/// How long an answer that is no stream may take. Planning hashes a source tree, and nothing else
/// the agent answers takes time.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// What an agent calls all addresses of its host.
const ALL: [&str; 2] = ["0.0.0.0", "[::]"];

/// The address of this machine that whoever is logged in by ssh knows it by.
fn logged_in_at() -> Option<String> {
    // Address and port of the client, address and port of the server.
    let connection = std::env::var("SSH_CONNECTION").ok()?;
    connection.split(' ').nth(2).map(str::to_owned)
}

/// Talks to an agent.
#[derive(Debug, Clone)]
pub struct Client {
    way: Way,
}

impl Client {
    /// A client of the agent that listens on `socket`.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            way: Way::Socket(socket.into()),
        }
    }

    /// A client of the agent of a server, reached with `ssh` when it is first asked something.
    pub fn of_server(ssh: Ssh) -> Self {
        Self {
            way: Way::Ssh(Arc::new(Remote::new(ssh))),
        }
    }

    /// Addresses of an agent as they are good from here: one that serves all addresses of its
    /// server is known by what ssh calls that.
    pub async fn seen_from_here(&self, urls: Vec<String>) -> Vec<String> {
        if !urls
            .iter()
            .any(|url| ALL.iter().any(|all| url.contains(all)))
        {
            return urls;
        }
        let host = match &self.way {
            Way::Ssh(remote) => remote.ssh.host_name().await,
            Way::Socket(_) => logged_in_at(),
        };
        let Some(host) = host else {
            return urls;
        };
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host,
        };
        urls.into_iter()
            .map(|url| ALL.iter().fold(url, |url, all| url.replace(all, &host)))
            .collect()
    }

    /// The server that the agent is on; `None` where it is on this machine.
    pub fn server(&self) -> Option<&ServerAddress> {
        match &self.way {
            Way::Socket(_) => None,
            Way::Ssh(remote) => Some(remote.ssh.address()),
        }
    }

    /// Reads something.
    ///
    /// # Errors
    /// When the agent does not answer, or answers with an error.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.whole(path, self.send(Method::GET, path, Bytes::new()))
            .await
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// When the agent does not answer, or answers with an error.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = encode(path, body)?;
        self.whole(path, self.send(Method::POST, path, body)).await
    }

    /// Asks for something whose answer says nothing.
    ///
    /// # Errors
    /// When the agent does not answer, or answers with an error.
    pub async fn command(&self, path: &str, body: &impl Serialize) -> Result<(), ClientError> {
        let body = encode(path, body)?;
        within(path, async {
            let answer = self.send(Method::POST, path, body).await?;
            collect(path, answer).await.map(drop)
        })
        .await
    }

    /// Reads text.
    ///
    /// # Errors
    /// When the agent does not answer, or answers with an error.
    pub async fn text(&self, path: &str) -> Result<String, ClientError> {
        within(path, async {
            let answer = self.send(Method::GET, path, Bytes::new()).await?;
            let body = collect(path, answer).await?;
            Ok(String::from_utf8_lossy(&body).into_owned())
        })
        .await
    }

    /// Reads one JSON value a line, for as long as the agent sends them.
    ///
    /// # Errors
    /// When the agent does not answer, or answers with an error.
    pub async fn lines<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<JsonLines<T>, ClientError> {
        let answer = self.send(Method::GET, path, Bytes::new()).await?;
        Ok(JsonLines::new(path, answer))
    }

    /// As [`Client::lines`], for something to be done.
    ///
    /// # Errors
    /// When the agent does not answer, or answers with an error.
    pub async fn post_lines<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<JsonLines<T>, ClientError> {
        let answer = self.send(Method::POST, path, encode(path, body)?).await?;
        Ok(JsonLines::new(path, answer))
    }

    /// Reads events for as long as the agent sends them.
    ///
    /// # Errors
    /// When the agent does not answer, or answers with an error.
    pub async fn events(&self, path: &str) -> Result<EventStream, ClientError> {
        let answer = self.send(Method::GET, path, Bytes::new()).await?;
        Ok(EventStream::new(path, answer))
    }

    /// Sends bytes as they come; the answer, which is JSON or nothing.
    ///
    /// # Errors
    /// When the agent does not answer, or answers with an error. What it refuses in the middle is
    /// told before all is sent.
    pub async fn upload(
        &self,
        path: &str,
        bytes: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<Bytes, ClientError> {
        let frames = bytes.map(|bytes| Ok(Frame::data(bytes)));
        let body = StreamBody::new(frames).boxed_unsync();
        let answer = self
            .send_body(Method::POST, path, "application/octet-stream", body)
            .await?;
        collect(path, answer).await
    }

    /// As [`Client::upload`], for an answer that says something.
    ///
    /// # Errors
    /// As [`Client::upload`].
    pub async fn exchange<T: DeserializeOwned>(
        &self,
        path: &str,
        bytes: Bytes,
    ) -> Result<T, ClientError> {
        let answer = self.upload(path, futures_util::stream::iter([bytes]));
        within(path, async { decode(path, &answer.await?) }).await
    }

    async fn whole<T: DeserializeOwned>(
        &self,
        path: &str,
        answer: impl Future<Output = Result<Incoming, ClientError>>,
    ) -> Result<T, ClientError> {
        within(path, async {
            let body = collect(path, answer.await?).await?;
            decode(path, &body)
        })
        .await
    }

    /// The body of a good answer.
    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Incoming, ClientError> {
        let body = Full::new(body)
            .map_err(|never| match never {})
            .boxed_unsync();
        self.send_body(method, path, "application/json", body).await
    }

    async fn send_body(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: Body,
    ) -> Result<Incoming, ClientError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "landfall")
            .header(header::CONTENT_TYPE, kind)
            .body(body)
            .map_err(|source| ClientError::Request {
                path: path.to_owned(),
                source,
            })?;
        let answer = self.way.send(path, request).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.into_body());
        }
        let body = collect(path, answer.into_body()).await?;
        Err(refusal(status, &body))
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> ClientError {
    let error = serde_json::from_slice(body).unwrap_or_else(|_| ApiError {
        code: "internal".into(),
        message: format!("the agent answered {status}"),
        fix: None,
    });
    ClientError::Api(error)
}

async fn within<T>(
    path: &str,
    answer: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    tokio::time::timeout(ANSWER_WITHIN, answer)
        .await
        .unwrap_or_else(|_| {
            Err(ClientError::Silent {
                path: path.to_owned(),
                seconds: ANSWER_WITHIN.as_secs(),
            })
        })
}

async fn collect(path: &str, body: Incoming) -> Result<Bytes, ClientError> {
    let whole = body.collect().await;
    whole
        .map(http_body_util::Collected::to_bytes)
        .map_err(|source| ClientError::broken(path, source))
}

fn encode(path: &str, body: &impl Serialize) -> Result<Bytes, ClientError> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|source| ClientError::Json {
            path: path.to_owned(),
            source,
        })
}

fn decode<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|source| ClientError::Json {
        path: path.to_owned(),
        source,
    })
}
