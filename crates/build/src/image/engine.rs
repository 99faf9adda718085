//! The way to the engine: its API, and the two connections of a build.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use bollard::errors::Error;
use bollard::{ClientVersion, Docker};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::OnceCell;

use super::error::ImageBuildError;

/// The oldest API that builds are tried with: that of Docker 20.10.
const OLDEST_API: ClientVersion = ClientVersion {
    major_version: 1,
    minor_version: 41,
};
/// How long an engine may take to begin an answer, in seconds.
const ANSWER_WITHIN: u64 = 60;
/// The longest head of an answer that is read, in bytes. Engines send some hundred.
const MAX_HEAD: usize = 16 << 10;

/// The engine behind a socket.
#[derive(Debug)]
pub(super) struct Engine {
    socket: PathBuf,
    /// Set with the first answer.
    docker: OnceCell<Docker>,
}

impl Engine {
    pub fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            docker: OnceCell::new(),
        }
    }

    /// A client of its API.
    ///
    /// # Errors
    /// When it does not answer, or is too old.
    pub async fn docker(&self) -> Result<&Docker, ImageBuildError> {
        self.docker.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Docker, ImageBuildError> {
        let path = self.socket.to_string_lossy();
        let docker = Docker::connect_with_unix(&path, ANSWER_WITHIN, bollard::API_DEFAULT_VERSION)
            .map_err(self.failed("be connected to"))?;
        let docker = docker
            .negotiate_version()
            .await
            .map_err(self.failed("tell its version"))?;
        let version = docker.client_version();
        if version < OLDEST_API {
            return Err(ImageBuildError::Engine {
                operation: "be of use",
                message: format!("its API is {version}, and Docker 20.10 with API 1.41 is needed"),
            });
        }
        Ok(docker)
    }

    /// What a failed request means.
    pub fn failed(&self, operation: &'static str) -> impl FnOnce(Error) -> ImageBuildError {
        move |error| match error {
            Error::DockerResponseServerError { message, .. } => {
                ImageBuildError::Engine { operation, message }
            }
            error => down(&self.socket, error),
        }
    }

    /// A connection on which gRPC is spoken from now on. `headers` are lines without their ends.
    ///
    /// # Errors
    /// When the engine does not answer, or will not.
    pub async fn upgrade(
        &self,
        path: &'static str,
        headers: &[String],
    ) -> Result<Connection, ImageBuildError> {
        let asked = async {
            let mut stream = UnixStream::connect(&self.socket).await?;
            let mut request = format!(
                "POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\
                 Content-Length: 0\r\n"
            );
            for header in headers {
                request.push_str(header);
                request.push_str("\r\n");
            }
            request.push_str("\r\n");
            stream.write_all(request.as_bytes()).await?;
            let head = read_head(&mut stream).await?;
            Ok::<_, std::io::Error>((head, stream))
        };
        let (head, stream) = asked.await.map_err(|error| down(&self.socket, error))?;
        let status = head.lines().next().unwrap_or_default();
        if status.split(' ').nth(1) != Some("101") {
            return Err(ImageBuildError::Engine {
                operation: "speak BuildKit",
                message: status.to_owned(),
            });
        }
        Connection::new(stream).map_err(|error| down(&self.socket, error))
    }
}

/// A connection, and the means to end it wherever the stream has gone.
#[derive(Debug)]
pub(super) struct Connection {
    /// What is spoken on.
    pub stream: UnixStream,
    /// Ends the connection when it is dropped.
    pub end: ConnectionEnd,
}

impl Connection {
    fn new(stream: UnixStream) -> std::io::Result<Self> {
        let end = ConnectionEnd(stream.as_fd().try_clone_to_owned()?);
        Ok(Self { stream, end })
    }
}

/// Ends a connection when it is dropped, although tasks of others hold its stream: that is how the
/// engine learns that nobody waits for the build any more.
#[derive(Debug)]
pub(super) struct ConnectionEnd(OwnedFd);

impl Drop for ConnectionEnd {
    fn drop(&mut self) {
        // The one failure is that the other side was faster.
        let _ = rustix::net::shutdown(&self.0, rustix::net::Shutdown::Both);
    }
}

/// Up to the empty line and not a byte more: what follows is not HTTP/1.
async fn read_head(stream: &mut UnixStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn down(socket: &Path, error: impl std::error::Error + Send + Sync + 'static) -> ImageBuildError {
    ImageBuildError::EngineDown {
        socket: socket.to_owned(),
        fix: fix(&error),
        source: Box::new(error),
    }
}

fn fix(error: &(dyn std::error::Error + 'static)) -> &'static str {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let is_denied = |error: &(dyn std::error::Error + 'static)| {
        error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::PermissionDenied)
    };
    match causes.into_iter().any(is_denied) {
        true => "this user may not use it; add it to the group `docker` and log in again",
        false => "start it with `systemctl start docker`, or install Docker 20.10 or newer",
    }
}
