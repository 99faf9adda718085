//! Agents of servers: reached over `ssh`, and spoken to only where both sides mean the same.

use std::cmp::Ordering;

use landfall_agent::api::types::{API_VERSION, AgentInfo};
use landfall_model::ServerAddress;
use landfall_server::Ssh;

use crate::client::Client;
use crate::command_error::{CommandError, CommandResult, ErrorKind};

/// A client of the agent of a server.
///
/// # Errors
/// When the server cannot be reached, has no agent that answers, or one that speaks a language
/// that this binary does not.
pub async fn client(server: &ServerAddress) -> CommandResult<Client> {
    let client = Client::of_server(Ssh::to(server)?);
    let info: AgentInfo = client.get("/v1/agent").await?;
    match info.api.cmp(&API_VERSION) {
        Ordering::Equal => Ok(client),
        order => Err(other_language(server, &info, order)),
    }
}

fn other_language(server: &ServerAddress, info: &AgentInfo, order: Ordering) -> CommandError {
    let message = format!(
        "the agent of {server} is version {} (API {}), and this is {} (API {API_VERSION})",
        info.version,
        info.api,
        env!("CARGO_PKG_VERSION"),
    );
    let error = CommandError::new(ErrorKind::Refused, message);
    match order {
        Ordering::Less => error.hint(format!(
            "`landfall server add {server}` brings this version there"
        )),
        _ => error.hint(format!("install version {} here", info.version)),
    }
}
