//! The session: what the engine asks of us while it builds.
//!
//! It is a connection on which we serve and the engine asks: for files of the contexts
//! ([`files`]), for the values of secrets and for logins at registries ([`answers`]). It ends when
//! it is dropped, and a build ends with its session.

mod answers;
mod files;

use bollard_buildkit_proto::health::health_server::HealthServer;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::SecretsServer;
use bollard_buildkit_proto::moby::filesync::v1::auth_server::AuthServer;
use bollard_buildkit_proto::moby::filesync::v1::file_sync_server::FileSyncServer;
use futures_util::StreamExt as _;
use tonic::transport::Server;

use super::engine::{Connection, ConnectionEnd, Engine};
use super::error::ImageBuildError;

pub(super) use answers::{Healthy, Logins, SecretValues};
pub(super) use files::{Directory, Files};

/// What the engine may ask for.
const METHODS: [&str; 4] = [
    "/grpc.health.v1.Health/Check",
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
];

/// What a session answers with.
#[derive(Debug)]
pub(super) struct Answers {
    /// Directories, by the names by which the engine asks for them.
    pub files: Files,
    /// Values of secrets.
    pub secrets: SecretValues,
    /// Logins at registries.
    pub logins: Logins,
}

/// A session under way.
#[derive(Debug)]
pub(super) struct Session {
    /// By this the engine knows it.
    pub id: String,
    _end: ConnectionEnd,
    serving: tokio::task::JoinHandle<()>,
}

impl Session {
    /// Begins to answer.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn open(
        engine: &Engine,
        id: String,
        answers: Answers,
    ) -> Result<Self, ImageBuildError> {
        let headers = [
            format!("X-Docker-Expose-Session-Uuid: {id}"),
            "X-Docker-Expose-Session-Name: landfall".to_owned(),
            // The engine would keep what it got under one key, and ask next time for files only
            // whose size or time has changed. Times of files prove nothing: each session is alone.
            format!("X-Docker-Expose-Session-Sharedkey: {id}"),
        ];
        let methods = METHODS.map(|name| format!("X-Docker-Expose-Session-Grpc-Method: {name}"));
        let headers: Vec<String> = headers.into_iter().chain(methods).collect();
        let Connection { stream, end } = engine.upgrade("/session", &headers).await?;
        let router = Server::builder()
            .add_service(HealthServer::new(Healthy))
            .add_service(FileSyncServer::new(answers.files))
            .add_service(AuthServer::new(answers.logins))
            .add_service(SecretsServer::new(answers.secrets));
        // Its end would be that of the server.
        let only = futures_util::stream::iter([Ok::<_, std::io::Error>(stream)])
            .chain(futures_util::stream::pending());
        let serving = tokio::spawn(async move {
            if let Err(error) = router.serve_with_incoming(only).await {
                tracing::debug!(%error, "the session of a build ended");
            }
        });
        Ok(Self {
            id,
            _end: end,
            serving,
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
