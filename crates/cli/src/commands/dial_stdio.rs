//! `landfall dial-stdio`: the server's end of a connection over `ssh`.

use clap::Args;
use landfall_agent::paths::StatePaths;
use tokio::io::{AsyncWriteExt, copy};
use tokio::net::UnixStream;

use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::exit::ExitCode;

/// Connect stdin and stdout to the agent of this host
///
/// `ssh` runs it on a server; nobody types it.
#[derive(Debug, Args)]
pub struct DialStdioArgs {}

/// Copies until one side ends.
///
/// # Errors
/// When the agent cannot be reached.
pub async fn cmd_dial_stdio(context: &Context, _: &DialStdioArgs) -> CommandResult {
    // Tests and trials have an agent elsewhere.
    let paths = match std::env::var_os("LANDFALL_HOME") {
        Some(_) => context.paths()?,
        None => StatePaths::of_host(),
    };
    let socket = paths.agent_socket();
    let stream = UnixStream::connect(&socket).await.map_err(|error| {
        let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        let message = format!("failed to reach the agent at {}", socket.display());
        let failed = CommandError::from_error(ErrorKind::Unreachable, &error).during(message);
        match denied {
            true => failed.hint("only members of the group `landfall` may: `landfall server add` makes the user one"),
            false => failed.hint("`systemctl status landfall-agent` tells how it is"),
        }
    })?;
    let (mut from_agent, mut to_agent) = stream.into_split();
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
    Ok(ExitCode::Ok)
}
