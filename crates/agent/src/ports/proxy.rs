//! The agent's side of the proxy's control socket.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use landfall_model::snapshot::{Ack, Counters, ProxyStatus, Snapshot};
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

/// How long the proxy may take to answer; it answers from memory, and writes one small file.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The proxy did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It cannot be reached: not running, or just restarting.
    #[error("the proxy cannot be reached: {0}")]
    Unreachable(String),
    /// It refused.
    #[error("the proxy refused: {0}")]
    Refused(String),
}

/// Speaks to the proxy.
#[async_trait]
pub trait ProxyControl: Send + Sync {
    /// Puts a snapshot in force. When this returns, every request from now on follows it.
    async fn apply(&self, snapshot: &Snapshot) -> Result<Ack, ProxyError>;

    /// What the proxy does.
    async fn status(&self) -> Result<ProxyStatus, ProxyError>;

    /// What the proxy counted.
    async fn counters(&self) -> Result<Counters, ProxyError>;
}

/// Speaks to the proxy over its unix socket.
#[derive(Debug, Clone)]
pub struct ProxyClient {
    socket: PathBuf,
}

impl ProxyClient {
    /// A client of the proxy that listens on `socket`.
    pub fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: http::Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, ProxyError> {
        let exchange = self.exchange(method, path, body);
        let (status, body) = tokio::time::timeout(TIMEOUT, exchange)
            .await
            .map_err(|_| ProxyError::Unreachable("no answer in 10 s".into()))??;
        if !status.is_success() {
            return Err(ProxyError::Refused(
                String::from_utf8_lossy(&body).into_owned(),
            ));
        }
        serde_json::from_slice(&body).map_err(|error| ProxyError::Refused(error.to_string()))
    }

    async fn exchange(
        &self,
        method: http::Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(http::StatusCode, Bytes), ProxyError> {
        let unreachable =
            |error: &dyn std::fmt::Display| ProxyError::Unreachable(error.to_string());
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| unreachable(&error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unreachable(&error))?;
        let driver = tokio::spawn(connection);
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::HOST, "proxy")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| unreachable(&error))?;
        let answer = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| unreachable(&error))?;
            let status = response.status();
            let body = response
                .into_body()
                .collect()
                .await
                .map_err(|error| unreachable(&error))?;
            Ok((status, body.to_bytes()))
        };
        let answer = answer.await;
        driver.abort();
        answer
    }
}

#[async_trait]
impl ProxyControl for ProxyClient {
    async fn apply(&self, snapshot: &Snapshot) -> Result<Ack, ProxyError> {
        let body =
            serde_json::to_vec(snapshot).map_err(|error| ProxyError::Refused(error.to_string()))?;
        self.call(http::Method::PUT, "/snapshot", body).await
    }

    async fn status(&self) -> Result<ProxyStatus, ProxyError> {
        self.call(http::Method::GET, "/status", Vec::new()).await
    }

    async fn counters(&self) -> Result<Counters, ProxyError> {
        self.call(http::Method::GET, "/counters", Vec::new()).await
    }
}
