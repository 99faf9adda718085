//! The way to the engine: when it is first needed, and what its silence and its refusals mean.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bollard::errors::Error;
use bollard::{ClientVersion, Docker};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

use crate::RuntimeError;

/// The oldest API that has all that is asked of an engine: that of Docker 20.10.
const OLDEST_API: ClientVersion = ClientVersion {
    major_version: 1,
    minor_version: 41,
};

/// How long an engine may take to begin an answer, in seconds: it removes and makes containers in
/// a few, on a busy disk in many.
const ANSWER_WITHIN: u64 = 60;

/// How long it may take for its first word, its version. At boot connections to one that is not up
/// yet are let wait, and processes must not wait with them.
const FIRST_WORD_WITHIN: Duration = Duration::from_secs(5);
/// How long one that kept silent is not asked again: who asks after several containers waits once.
const SILENT_FOR: Duration = Duration::from_secs(2);

/// The engine behind a socket.
#[derive(Debug)]
pub(super) struct Engine {
    socket: PathBuf,
    /// Set with the first answer.
    docker: OnceCell<Docker>,
    /// When it last kept silent, before that.
    silent_at: Mutex<Option<Instant>>,
}

impl Engine {
    pub fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            docker: OnceCell::new(),
            silent_at: Mutex::default(),
        }
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Whether it has answered once.
    pub fn is_known(&self) -> bool {
        self.docker.initialized()
    }

    /// A client of the engine.
    ///
    /// # Errors
    /// When it does not answer, or is too old.
    pub async fn docker(&self) -> Result<&Docker, RuntimeError> {
        self.docker.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Docker, RuntimeError> {
        let path = self.socket.to_string_lossy();
        let docker = Docker::connect_with_unix(&path, ANSWER_WITHIN, bollard::API_DEFAULT_VERSION)
            .map_err(self.failed("connect"))?;
        let docker = self
            .first_word(docker)
            .await
            .map_err(self.failed("tell its version"))?;
        let version = docker.client_version();
        if version < OLDEST_API {
            return Err(RuntimeError::Engine {
                operation: "be of use".to_owned(),
                message: format!("its API is {version}, and Docker 20.10 with API 1.41 is needed"),
            });
        }
        Ok(docker)
    }

    async fn first_word(&self, docker: Docker) -> Result<Docker, Error> {
        let silent_at = || {
            self.silent_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if silent_at().is_some_and(|at| at.elapsed() < SILENT_FOR) {
            return Err(Error::RequestTimeoutError);
        }
        let told = timeout(FIRST_WORD_WITHIN, docker.negotiate_version()).await;
        told.unwrap_or_else(|_| {
            *silent_at() = Some(Instant::now());
            Err(Error::RequestTimeoutError)
        })
    }

    /// What a failed request means.
    pub fn failed(&self, operation: impl Into<String>) -> impl FnOnce(Error) -> RuntimeError {
        let operation = operation.into();
        move |error| match is_silence(&error) {
            true => RuntimeError::EngineDown {
                socket: self.socket.clone(),
                fix: fix(&error),
                source: Box::new(error),
            },
            false => RuntimeError::Engine {
                operation,
                message: message(&error),
            },
        }
    }
}

/// What the engine said, as it said it.
pub(super) fn message(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

/// The status with which the engine refused.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// The answer, or `None` where the engine says that there is no such thing.
pub(super) fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if status(&error) == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error tells that nobody answered, rather than what was answered.
pub(super) fn is_silence(error: &Error) -> bool {
    matches!(
        error,
        Error::SocketNotFoundError(_)
            | Error::RequestTimeoutError
            | Error::HyperLegacyError { .. }
            | Error::HyperResponseError { .. }
            | Error::IOError { .. }
    )
}

fn fix(error: &Error) -> &'static str {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    let mut kind = None;
    while let Some(error) = source {
        let io = error.downcast_ref::<std::io::Error>();
        kind = kind.or(io.map(std::io::Error::kind));
        source = error.source();
    }
    match kind {
        Some(std::io::ErrorKind::PermissionDenied) => {
            "this user may not use it; add it to the group `docker` and log in again"
        }
        _ if matches!(error, Error::RequestTimeoutError) => {
            "it is there but silent; `journalctl -u docker` may tell why"
        }
        _ => "start it with `systemctl start docker`, or install Docker 20.10 or newer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_is_not_up_yet_is_waited_for_once_and_not_for_long() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("sock");
        // As systemd does for a service that is starting: who connects is let in, and waits.
        let _held = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let engine = Engine::new(socket);
        let began = Instant::now();
        for _ in 0..10 {
            let silent = engine.docker().await;
            assert!(matches!(silent, Err(RuntimeError::EngineDown { .. })));
        }
        assert!(began.elapsed() < FIRST_WORD_WITHIN * 2);
        tokio::time::advance(SILENT_FOR).await;
        let asked = Instant::now();
        assert!(engine.docker().await.is_err());
        assert!(asked.elapsed() >= FIRST_WORD_WITHIN, "it is asked again");
    }
}
