//! `landfall dial-stdio`: the server's end of a connection over `ssh`.

use std::path::Path;

use bytes::Bytes;
use clap::Args;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use landfall_agent::api::PROTOCOL;
use landfall_agent::api::types::ApiError;
use landfall_agent::paths::StatePaths;
use landfall_model::{AppName, EnvironmentName};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::net::UnixStream;

use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::exit::ExitCode;

/// Connect stdin and stdout to the agent of this host
///
/// `ssh` runs it on a server; nobody types it. With `--only` it is the whole of what a key may do,
/// when ~/.ssh/authorized_keys says so on the server:
///
///   restrict,command="/usr/local/bin/landfall dial-stdio --only shop/production" ssh-ed25519 AAAA…
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct DialStdioArgs {
    /// Limit the connection to one environment of one app; the agent refuses everything else
    #[arg(long, value_name = "APP/ENVIRONMENT", value_parser = only)]
    pub only: Option<Only>,
}

/// One environment of one app.
#[derive(Debug, Clone)]
pub struct Only {
    app: AppName,
    environment: EnvironmentName,
}

fn only(text: &str) -> Result<Only, String> {
    let (app, environment) = text
        .split_once('/')
        .ok_or("write it as in shop/production")?;
    Ok(Only {
        app: app.parse().map_err(|error| format!("{error}"))?,
        environment: environment.parse().map_err(|error| format!("{error}"))?,
    })
}

/// Copies until one side ends.
///
/// # Errors
/// When the agent cannot be reached, or does not limit the connection. Nothing is let through then.
pub async fn cmd_dial_stdio(context: &Context, args: &DialStdioArgs) -> CommandResult {
    // Tests and trials have an agent elsewhere.
    let paths = match std::env::var_os("LANDFALL_HOME") {
        Some(_) => context.paths()?,
        None => StatePaths::of_host(),
    };
    let stream = connect(&paths.agent_socket()).await?;
    match &args.only {
        None => join(stream).await,
        Some(only) => join(limited(stream, only).await?).await,
    }
    Ok(ExitCode::Ok)
}

async fn connect(socket: &Path) -> CommandResult<UnixStream> {
    UnixStream::connect(socket).await.map_err(|error| {
        let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        let message = format!("failed to reach the agent at {}", socket.display());
        let failed = CommandError::from_error(ErrorKind::Unreachable, &error).during(message);
        match denied {
            true => failed.hint("only members of the group `landfall` may: `landfall server add` makes the user one"),
            false => failed.hint("`systemctl status landfall-agent` tells how it is"),
        }
    })
}

/// The same connection, which the agent has limited.
async fn limited(
    stream: UnixStream,
    only: &Only,
) -> CommandResult<impl AsyncRead + AsyncWrite + use<>> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        CommandError::from_error(ErrorKind::Unreachable, error)
            .during("the agent did not limit the connection")
    };
    let connection = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connection.map_err(|error| failed(&error))?;
    tokio::spawn(connection.with_upgrades());
    let Only { app, environment } = only;
    let request = Request::post(format!("/v1/limit?app={app}&environment={environment}"))
        .header(header::HOST, "landfall")
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, PROTOCOL)
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(&error))?;
    let answer = sender.send_request(request).await;
    let answer = answer.map_err(|error| failed(&error))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(not_limited(answer).await);
    }
    let upgraded = hyper::upgrade::on(answer).await;
    upgraded.map(TokioIo::new).map_err(|error| failed(&error))
}

async fn not_limited(answer: Response<Incoming>) -> CommandError {
    let status = answer.status();
    let body = answer.into_body().collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let said = serde_json::from_slice(&body).map(|error: ApiError| error.message);
    let message = said.unwrap_or_else(|_| format!("it answered {status}"));
    let error = CommandError::new(ErrorKind::Refused, message)
        .during("the agent did not limit the connection");
    match status {
        StatusCode::NOT_FOUND => error.hint("the agent is older than this binary: restart it"),
        _ => error,
    }
}

async fn join(stream: impl AsyncRead + AsyncWrite) {
    let (mut from_agent, mut to_agent) = split(stream);
    let (mut input, mut output) = (tokio::io::stdin(), tokio::io::stdout());
    let up = async {
        let _ = copy(&mut input, &mut to_agent).await;
        to_agent.shutdown().await
    };
    let down = async {
        let copied = copy(&mut from_agent, &mut output).await;
        output.flush().await?;
        copied
    };
    // The agent has the last word: what it still says when the input ends is brought.
    tokio::pin!(down);
    tokio::select! {
        _ = up => { let _ = down.await; }
        _ = &mut down => {}
    }
}
