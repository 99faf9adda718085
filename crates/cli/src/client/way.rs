//! Ways to an agent: its socket on this machine, or `ssh` to a server and its socket there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use landfall_server::{INSTALLED, Ssh, TunnelEnd};
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use super::error::ClientError;

/// The body of a request.
pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// How often a connection that is silent is asked whether it lives, and how long it may take to
/// say so. A cut shorter than both together goes by unseen.
const ASK_EVERY: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// What may be under way on a stream before the other side says that it took it, in bytes: a link
/// of 100 ms and 100 Mbit/s is full with 1.25 MB.
const WINDOW: u32 = 4 << 20;

/// A way to an agent.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// Over the agent's socket, one connection a request.
    Socket(PathBuf),
    /// Over ssh, one connection for all requests.
    Ssh(Arc<Remote>),
}

/// A server, and the connection to it while there is one.
#[derive(Debug)]
pub(super) struct Remote {
    pub ssh: Ssh,
    connection: Mutex<Option<Connection>>,
}

#[derive(Debug)]
struct Connection {
    sender: http2::SendRequest<Body>,
    end: TunnelEnd,
}

impl Remote {
    pub fn new(ssh: Ssh) -> Self {
        Self {
            ssh,
            connection: Mutex::default(),
        }
    }

    async fn send(
        &self,
        path: &str,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, ClientError> {
        // HTTP/2 has the host in the address, and no header for it.
        request.headers_mut().remove(header::HOST);
        let address = Uri::builder()
            .scheme("http")
            .authority("landfall")
            .path_and_query(path);
        *request.uri_mut() = address.build().map_err(|source| ClientError::Request {
            path: path.to_owned(),
            source,
        })?;
        let mut sender = self.sender().await?;
        match sender.send_request(request).await {
            Ok(response) => Ok(response),
            Err(error) => Err(self.why(path, error).await),
        }
    }

    /// The sender of the connection, which is made when there is none.
    async fn sender(&self) -> Result<http2::SendRequest<Body>, ClientError> {
        let mut connection = self.connection.lock().await;
        if let Some(Connection { sender, .. }) = &*connection
            && !sender.is_closed()
        {
            return Ok(sender.clone());
        }
        // The old one ends before the new one begins.
        drop(connection.take());
        let tunnel = self.ssh.tunnel(&[INSTALLED, "dial-stdio"])?;
        let stream = TokioIo::new(tokio::io::join(tunnel.output, tunnel.input));
        let made = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(ASK_EVERY)
            .keep_alive_timeout(ANSWER_WITHIN)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake(stream)
            .await;
        let (sender, driver) = match made {
            Ok(made) => made,
            Err(_) => return Err(tunnel.end.why().await.into()),
        };
        // What goes wrong on it is told by the requests.
        tokio::spawn(driver);
        let made = Connection {
            sender: sender.clone(),
            end: tunnel.end,
        };
        *connection = Some(made);
        Ok(sender)
    }

    /// Why a request failed: where the connection is gone, what ssh said of it.
    async fn why(&self, path: &str, error: hyper::Error) -> ClientError {
        let mut connection = self.connection.lock().await;
        let is_gone = connection
            .as_ref()
            .is_some_and(|there| there.sender.is_closed());
        match connection.take_if(|_| is_gone) {
            Some(gone) => gone.end.why().await.into(),
            None => ClientError::broken(path, error),
        }
    }
}

impl Way {
    pub async fn send(
        &self,
        path: &str,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, ClientError> {
        match self {
            Self::Ssh(remote) => remote.send(path, request).await,
            Self::Socket(socket) => {
                let stream = UnixStream::connect(socket);
                let stream = stream.await.map_err(|source| ClientError::NotThere {
                    socket: socket.clone(),
                    source,
                })?;
                let broken = |source| ClientError::broken(path, source);
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream))
                        .await
                        .map_err(broken)?;
                // Ends with the body; what goes wrong on it is told by the request and its body.
                tokio::spawn(connection);
                sender.send_request(request).await.map_err(broken)
            }
        }
    }
}
