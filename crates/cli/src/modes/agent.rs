//! `landfall agent run`: the control plane, under a shim of Landfall's own.

use std::net::SocketAddr;
use std::path::Path;

use landfall_agent::paths::StatePaths;
use landfall_agent::{AgentOptions, Ended};
use landfall_server::{HOST_CONFIG, HostConfig};

use super::logging;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::program;
use crate::exit::ExitCode;

/// Runs the agent until it is told to stop.
///
/// # Errors
/// When it cannot start, or something it cannot do without fails.
pub async fn run(paths: StatePaths) -> CommandResult {
    logging::init();
    let options = AgentOptions {
        paths,
        http: http_address()?,
        behind: Vec::new(),
        program: program()?,
        is_of_host: false,
    };
    serve(options).await
}

/// Runs the agent of this host, which the init system keeps, until it is told to stop.
///
/// # Errors
/// As [`run`], and when the host's configuration is wrong.
pub async fn run_of_host() -> CommandResult {
    logging::init();
    let config = HostConfig::read(Path::new(HOST_CONFIG))
        .map_err(|error| CommandError::from_error(ErrorKind::Config, &error))?;
    let options = AgentOptions {
        paths: StatePaths::of_host(),
        http: Some(config.http),
        behind: config.behind(),
        program: program()?,
        is_of_host: true,
    };
    serve(options).await
}

async fn serve(options: AgentOptions) -> CommandResult {
    landfall_agent::run(options)
        .await
        .map(|ended| match ended {
            Ended::ByRequest => ExitCode::Ok,
            Ended::BySignal => ExitCode::Signalled,
        })
        .map_err(|error| CommandError::from_error(ErrorKind::Unexpected, &error))
}

fn http_address() -> CommandResult<Option<SocketAddr>> {
    let Some(text) = std::env::var("LANDFALL_HTTP")
        .ok()
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        CommandError::usage(format!("LANDFALL_HTTP is not an address: {text:?}"))
            .hint("write it as in 127.0.0.1:8080")
    })
}
